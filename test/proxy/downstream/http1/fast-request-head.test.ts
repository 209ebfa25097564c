import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readFastRequestHead } from '../../../../src/proxy/downstream/http1/fast-request-head.ts';
import { listening } from '../../../support/listening.ts';

const BYTES_MAX = 16_384;

function read(text: string, bytesMax = BYTES_MAX): ReturnType<typeof readFastRequestHead> {
  return readFastRequestHead(Buffer.from(text, 'latin1'), bytesMax);
}

describe('a plain head', () => {
  it('is read to the letter', () => {
    const text =
      'POST /a/b?c=%20#d HTTP/1.1\r\nHost:pilotnet\r\nX-Empty:\r\nX-Odd: \t a  b\t \r\ncontent-length: 5\r\n\r\n';
    expect(read(`${text}hello`)).toEqual({
      method: 'POST',
      target: '/a/b?c=%20#d',
      rawHeaders: ['Host', 'pilotnet', 'X-Empty', '', 'X-Odd', 'a  b', 'content-length', '5'],
      contentLength: 5,
      keepAlive: true,
      bytes: text.length,
    });
  });

  it.each([
    ['', true],
    ['Connection: keep-alive\r\n', true],
    ['connection: Close\r\n', false],
    ['Connection: close\r\nConnection: keep-alive\r\n', false],
  ])('with %j keeps the connection: %s', (field, keepAlive) => {
    expect(read(`GET / HTTP/1.1\r\nHost: a\r\n${field}\r\n`)?.keepAlive).toBe(keepAlive);
  });

  it.each([
    ['that is not whole', 'GET / HTTP/1.1\r\nHost: a\r\n'],
    ['behind an empty line', '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['of HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n'],
    ['of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['of an unusual method', 'PURGE / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['in another case', 'get / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['with an absolute target', 'GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['for the server as a whole', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['with high bytes in its target', 'GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['with a space in its target', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['with two spaces', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['without a field', 'GET / HTTP/1.1\r\n\r\n'],
    ['with chunks to follow', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['with chunks to follow, spelt oddly', 'POST / HTTP/1.1\r\nHost: a\r\ntRANSFER-eNCODING: chunked\r\n\r\n'],
    ['that expects', 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n'],
    ['that upgrades', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['that names fields in Connection', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: x-a\r\nX-A: b\r\n\r\n'],
    ['that announces trailers', 'POST / HTTP/1.1\r\nHost: a\r\nTrailer: X\r\nContent-Length: 1\r\n\r\n'],
    ['with two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n'],
    ['with a length that is none', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n'],
    ['with a length of nothing', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n'],
    ['with a folded field', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n'],
    ['with a bare line feed', 'GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n'],
    ['with a bare carriage return', 'GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n'],
    ['with NUL', 'GET / HTTP/1.1\r\nHost: a\0\r\n\r\n'],
    ['with DEL', 'GET / HTTP/1.1\r\nHost: a\x7f\r\n\r\n'],
    ['with a space before a colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n'],
    ['with a field without a name', 'GET / HTTP/1.1\r\n: a\r\n\r\n'],
  ])('is not one %s', (_, text) => {
    expect(read(text)).toBeNull();
  });

  it('is not one of more than the limit', () => {
    const text = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
    expect(read(text, text.length)).not.toBeNull();
    expect(read(text, text.length - 1)).toBeNull();
  });

  it('means the same to node:http, in any form', async () => {
    const seen: IncomingMessage[] = [];
    const server = createServer({ requireHostHeader: false, joinDuplicateHeaders: false }, (request, response) => {
      seen.push(request);
      response.end();
    });
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const port = await listening(server);
    await fc.assert(
      fc.asyncProperty(heads, async (text) => {
        const ours = read(text);
        if (ours === null) return;
        seen.length = 0;
        await answerOf(port, text + 'x'.repeat(ours.contentLength));
        expect(seen).toHaveLength(1);
        const [theirs] = seen;
        expect(theirs).toMatchObject({ method: ours.method, url: ours.target, rawHeaders: ours.rawHeaders });
        expect(theirs?.headers['transfer-encoding']).toBeUndefined();
        expect(Number(theirs?.headers['content-length'] ?? 0)).toBe(ours.contentLength);
      }),
      { numRuns: 300 },
    );
  });
});

const names = fc.oneof(
  fc.stringMatching(/^[A-Za-z!#$%&'*+.^_`|~-][A-Za-z0-9-]{0,10}$/),
  fc.constantFrom('Host', 'Connection', 'Content-Length', 'Transfer-Encoding', 'Expect', 'Via', 'Cookie', 'TE'),
);
const values = fc.oneof(
  fc.stringMatching(/^[\t -~\x80-\xff]{0,20}$/),
  fc.constantFrom('0', '7', '07', 'chunked', 'close', 'keep-alive', ' 3 ', '100-continue'),
);
const lines = fc
  .array(fc.tuple(names, fc.constantFrom(':', ': ', ':\t'), values), { minLength: 1, maxLength: 6 })
  .map((fields) => fields.map((field) => `${field.join('')}\r\n`).join(''));
const wellFormed = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'),
    fc.stringMatching(/^\/[!-~]{0,20}$/),
    lines,
  )
  .map(([method, target, fields]) => `${method} ${target} HTTP/1.1\r\n${fields}\r\n`);
/** Most with one character too much, too few or wrong. */
const heads = fc
  .tuple(wellFormed, fc.nat(), fc.constantFrom(null, '', '\r', '\n', '\0', ' ', ':', '\t', '\x7f', '\x80', '\r\n', 'x'))
  .map(([text, at, spoil]) => {
    if (spoil === null) return text;
    const index = at % text.length;
    return text.slice(0, index) + spoil + text.slice(index + 1);
  });

/** Sends `text`, and waits until the server has said what it makes of it. */
function answerOf(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      if (answer.includes('\r\n\r\n')) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
    socket.write(text, 'latin1');
  });
}
