// What a client says about itself, or carries for others: an instance learns of it only from peers that are trusted.

import { describe, expect, it } from 'vitest';
import { ask, session } from '../../support/http2-client.ts';
import { rawRequest, startInstance, startProxy } from '../../support/proxy.ts';

const CLAIMS = [
  'X-Forwarded-Port',
  'X-Forwarded-Server',
  'X-Forwarded-Prefix',
  'X-Forwarded-Scheme',
  'X-Forwarded-Ssl',
  'X-Forwarded-User',
  'x-forwarded-anything-else',
  'X-Forwarded-For-Of-Which-There-Is-No-Shorter-Name-Than-This-Longest-One',
  'X_Forwarded_For',
  'X_Forwarded-Proto',
  'X-Forwarded',
  'Forwarded-For',
  'WL-Proxy-Client-IP',
  'X-Real-IP',
  'X_Real_IP',
  'X-Original-URL',
  'True-Client-IP',
];

async function echo(trustedPeers: readonly string[]): Promise<{ readonly port: number; readonly url: string }> {
  const { port } = await startInstance((request, response) => response.end(JSON.stringify(request.rawHeaders)));
  return startProxy([{ name: 'svc', ports: [port] }], { trustedPeers: [...trustedPeers] });
}

const request = (fields: string): string => `GET / HTTP/1.1\r\nHost: svc\r\nConnection: close\r\n${fields}\r\n`;

describe('a claim about the client', () => {
  it.each(CLAIMS)('by %s is not passed on for a peer that is not trusted', async (name) => {
    const { port } = await echo([]);
    const { body } = await rawRequest(port, request(`${name}: spoofed\r\n`));
    expect(body).toContain('X-Forwarded-For');
    expect(body).not.toContain('spoofed');
  });

  it.each(CLAIMS)('by %s is passed on for a peer that is trusted', async (name) => {
    const { port } = await echo(['127.0.0.1']);
    const { body } = await rawRequest(port, request(`${name}: claimed\r\n`));
    expect(body).toContain(`"${name}","claimed"`);
  });

  it('is not passed on from HTTP/2 either', async () => {
    const { url } = await echo([]);
    const { body } = await ask(session(url), { 'x-forwarded-port': 'spoofed', 'x-real-ip': 'spoofed' });
    expect(body).toContain('X-Forwarded-For');
    expect(body).not.toContain('spoofed');
  });

  it('that only resembles one is passed on', async () => {
    const { port } = await echo([]);
    const { body } = await rawRequest(port, request('X-Forwarder: a\r\nForwardedness: b\r\nX_Mine: c\r\n'));
    expect(body).toContain('"X-Forwarder","a","Forwardedness","b","X_Mine","c"');
  });
});

describe("the admin port's session cookie", () => {
  it.each([
    ['qedge_session=s3cret', null],
    ['a=1; qedge_session=s3cret; b=2', 'a=1; b=2'],
    ['qedge_session=s3cret; qedge_session=s3cret; b=2', 'b=2'],
    ['a=1;qedge_session =s3cret', 'a=1'],
    ['my_qedge_session=mine', 'my_qedge_session=mine'],
  ])('in %j never reaches an instance', async (cookies, left) => {
    const { port, url } = await echo(['127.0.0.1']);
    const { body } = await rawRequest(port, request(`Cookie: ${cookies}\r\n`));
    const { body: overHttp2 } = await ask(session(url), { cookie: cookies.split('; ') });
    for (const text of [body, overHttp2]) {
      const fields: readonly string[] = JSON.parse(text);
      const at = fields.findIndex((name) => name.toLowerCase() === 'cookie');
      expect(at < 0 ? null : fields[at + 1]).toBe(left);
    }
  });
});
