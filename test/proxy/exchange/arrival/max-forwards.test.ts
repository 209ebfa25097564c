import { describe, expect, it } from 'vitest';
import { rawRequest, startInstance, startProxy } from '../../../support/proxy.ts';

async function ask(method: string, maxForwards: string): Promise<{ status: number; body: string; seen: number }> {
  let seen = 0;
  const { port: instance } = await startInstance((request, response) => {
    seen++;
    response.end(String(request.headers['max-forwards']));
  });
  const { port } = await startProxy([{ name: 'svc', ports: [instance] }]);
  const fields = `Host: svc\r\nConnection: close\r\nCookie: a=secret\r\nMax-Forwards: ${maxForwards}\r\n`;
  const { status, body } = await rawRequest(port, `${method} /x HTTP/1.1\r\n${fields}\r\n`);
  return { status, body, seen };
}

describe('Max-Forwards', () => {
  it.each(['OPTIONS', 'TRACE'])('of %s loses one for this hop', async (method) => {
    expect(await ask(method, '3')).toEqual({ status: 200, body: '2', seen: 1 });
    expect(await ask(method, '1')).toEqual({ status: 200, body: '0', seen: 1 });
  });

  it('of 0 ends OPTIONS here', async () => {
    expect(await ask('OPTIONS', '0')).toEqual({ status: 204, body: '', seen: 0 });
  });

  it('of 0 ends TRACE here, and what comes back holds no secret', async () => {
    const { status, body, seen } = await ask('TRACE', '0');
    expect([status, seen]).toEqual([200, 0]);
    expect(body).toMatch(/^TRACE \/x HTTP\/1\.1\r\nHost: svc\r\nVia: 1\.1 qedge-n0\r\n/);
    expect(body).not.toContain('secret');
  });

  it.each(['-1', 'x', '1, 2', '99999999999'])('of %j is refused', async (value) => {
    expect(await ask('OPTIONS', value)).toMatchObject({ status: 400, seen: 0 });
  });

  it('of any other method is passed on as it is', async () => {
    expect(await ask('GET', '0')).toEqual({ status: 200, body: '0', seen: 1 });
    expect(await ask('DELETE', 'x')).toEqual({ status: 200, body: 'x', seen: 1 });
  });
});
