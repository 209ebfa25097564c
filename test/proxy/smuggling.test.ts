// Attempts to make two parsers disagree (request smuggling): each is answered 400 and closed, and nothing of it reaches the
// instance.

import { describe, expect, it } from 'vitest';
import { rawRequest, startProxy, startRawInstance } from '../support/proxy.ts';

const HOST = 'Host: pilotnet\r\n';

const ATTEMPTS: readonly (readonly [string, string])[] = [
  ['CL.TE', `POST / HTTP/1.1\r\n${HOST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG`],
  ['TE.CL', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\nZ\r\n0\r\n\r\n`],
  ['TE.TE', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`],
  ['TE twice', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['an unknown coding', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
  ['a coding before chunked', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  [
    'a space before the colon of Transfer-Encoding',
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  ],
  ['two lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`],
  ['one length twice', `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
  ['a list of lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 5, 5\r\n\r\nhello`],
  ['a signed length', `POST / HTTP/1.1\r\n${HOST}Content-Length: +5\r\n\r\nhello`],
  ['a negative length', `POST / HTTP/1.1\r\n${HOST}Content-Length: -5\r\n\r\nhello`],
  ['a length in hex', `POST / HTTP/1.1\r\n${HOST}Content-Length: 0x5\r\n\r\nhello`],
  ['a length past 64 bits', `POST / HTTP/1.1\r\n${HOST}Content-Length: 18446744073709551621\r\n\r\nhello`],
  ['bare LF between fields', 'GET / HTTP/1.1\nHost: pilotnet\n\n'],
  ['bare LF after one field', `GET / HTTP/1.1\r\n${HOST}X: 1\nY: 2\r\n\r\n`],
  ['bare CR inside a value', `GET / HTTP/1.1\r\n${HOST}X: 1\rY: 2\r\n\r\n`],
  ['obs-fold', `GET / HTTP/1.1\r\n${HOST}X: 1\r\n folded\r\n\r\n`],
  ['NUL in a value', `GET / HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`],
  ['NUL in a name', `GET / HTTP/1.1\r\n${HOST}X\0: a\r\n\r\n`],
  ['NUL in the target', `GET /\0 HTTP/1.1\r\n${HOST}\r\n`],
  ['a space in a name', `GET / HTTP/1.1\r\n${HOST}X Y: a\r\n\r\n`],
  ['two Host fields', `GET / HTTP/1.1\r\n${HOST}Host: other\r\n\r\n`],
  ['a Host with a path', 'GET / HTTP/1.1\r\nHost: pilotnet/evil\r\n\r\n'],
  ['a Host with user information', 'GET / HTTP/1.1\r\nHost: user@pilotnet\r\n\r\n'],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
  ['HTTP/0.9', 'GET /\r\n\r\n'],
  ['an unknown version', `GET / HTTP/3.7\r\n${HOST}\r\n`],
  [
    'a chunk size past 64 bits',
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx\r\n0\r\n\r\n`,
  ],
  [
    'a chunk size that is no number',
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n`,
  ],
  ['a negative chunk size', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n-1\r\nhello\r\n0\r\n\r\n`],
  ['bare LF behind a chunk size', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n`],
  [
    'bare LF in a chunk extension',
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n`,
  ],
  [
    'a chunk extension without end',
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5;${'a'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n`,
  ],
  [
    'a chunk longer than its size',
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n`,
  ],
  ['an absolute target with user information', `GET http://user@pilotnet/ HTTP/1.1\r\n${HOST}\r\n`],
  ['an absolute target with an odd authority', `GET http://pilotnet:80:80/ HTTP/1.1\r\n${HOST}\r\n`],
  ['a Host with two ports', 'GET / HTTP/1.1\r\nHost: pilotnet:80:80\r\n\r\n'],
  ['a Host with an open bracket', 'GET / HTTP/1.1\r\nHost: [::1\r\n\r\n'],
  ['a Host with a comma', 'GET / HTTP/1.1\r\nHost: pilotnet,other\r\n\r\n'],
  ['a Host that speaks Forwarded', 'GET / HTTP/1.1\r\nHost: pilotnet";for="1.2.3.4\r\n\r\n'],
  ['a fragment in the target', `GET /a#b HTTP/1.1\r\n${HOST}\r\n`],
  ['a fragment in an absolute target', `GET http://pilotnet/#b HTTP/1.1\r\n${HOST}\r\n`],
  ['chunks in HTTP/1.0', `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  [
    'an upgrade with a body',
    `GET / HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello`,
  ],
  ['a target without a slash', `GET pilotnet HTTP/1.1\r\n${HOST}\r\n`],
];

describe('a smuggling attempt', () => {
  it.each(ATTEMPTS)('by %s is answered 400 and closed, and reaches no instance', async (_, bytes) => {
    let reached = 0;
    const instance = await startRawInstance((socket) => {
      reached++;
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const answer = await rawRequest(port, bytes);
    expect(answer.status).toBe(400);
    expect(answer.text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(answer.head).toContain('X-QEdge-Error: bad-request');
    expect(answer.head).toMatch(/connection: close/i);
    expect(reached).toBe(0);
  });

  it.each(ATTEMPTS)('by %s behind a good request is answered 400 just the same', async (_, bytes) => {
    let seen = '';
    const instance = await startRawInstance((socket) => {
      socket.on('data', (chunk) => {
        seen += chunk.toString('latin1');
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    });
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const answer = await rawRequest(port, `GET /good HTTP/1.1\r\n${HOST}\r\n${bytes}`);
    const statuses = [...answer.text.matchAll(/HTTP\/1\.1 (\d+) /g)].map((match) => match[1]);
    expect(statuses).toEqual(['200', '400']);
    expect(answer.text).toContain('X-QEdge-Error: bad-request');
    expect(seen.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  it('hidden behind a good request costs the connection, and the second is never forwarded', async () => {
    const seen: string[] = [];
    const instance = await startRawInstance((socket) => {
      socket.on('data', (chunk) => {
        seen.push(chunk.toString('latin1'));
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    });
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const answer = await rawRequest(
      port,
      `GET /first HTTP/1.1\r\n${HOST}\r\nGET /second HTTP/1.1\r\n${HOST}X : y\r\n\r\n`,
    );
    expect(answer.text).toContain('ok');
    expect(answer.ending).toBe('end');
    expect(seen.join('')).not.toContain('second');
  });

  it('by a well-formed chunk extension ends at the proxy', async () => {
    let seen = '';
    const instance = await startRawInstance((socket) => {
      socket.on('data', (chunk) => {
        seen += chunk.toString('latin1');
        if (seen.includes('hello')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
      });
    });
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance] }]);
    const answer = await rawRequest(
      port,
      `POST / HTTP/1.1\r\n${HOST}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5;ext="GET /x"\r\nhello\r\n0\r\n\r\n`,
    );
    expect(answer.status).toBe(200);
    expect(seen).not.toContain('ext');
  });
});
