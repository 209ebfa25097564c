// Answers that succeed by their status and are none to what was asked, of real instances to real requests.

import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { rawRequest, startInstance, startProxy } from '../../../support/proxy.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const HTML = { 'Content-Type': 'text/html; charset=utf-8' };
const XHTML = { 'Content-Type': 'application/xhtml+xml; charset=utf-8' };
const PROTO = { 'Content-Type': 'application/vnd.cam+proto' };
const GZIP = { 'Content-Encoding': 'gzip' };
const PROBLEM = { 'Content-Type': 'application/problem+json' };
const DIGEST = `sha-512=:AAAA:, sha-256=:${createHash('sha256').update('left').digest('base64')}:`;
const SHA_256 = DIGEST.slice(DIGEST.indexOf('sha-256'));
const MD5 = createHash('md5').update('left').digest('base64');

/** The row of one answer, to a GET with these fields. */
async function rowOf(answer: (response: ServerResponse) => void, fields: readonly string[] = []): Promise<string> {
  const instance = await startInstance((_request, response) => answer(response));
  const proxy = await startProxy([{ name: 'cam', ports: [instance.port] }]);
  await rawRequest(proxy.port, ['GET / HTTP/1.1', 'Host: cam', 'Connection: close', ...fields, '', ''].join('\r\n'));
  return proxy.verdicts.map(({ row }) => row).join();
}

const answer =
  (status: number, fields: Readonly<Record<string, string>>, body: string | Buffer = 'left') =>
  (response: ServerResponse): void =>
    void response.writeHead(status, fields).end(body);

describe('an answer to what was asked', () => {
  it.each<[string, string, Readonly<Record<string, string>>, readonly string[]]>([
    ['problem', 'a description of a problem', PROBLEM, []],
    ['problem', 'one that the client would take', PROBLEM, ['Accept: application/problem+json']],
    ['problem', 'a problem under its earlier type', { 'Content-Type': 'application/vnd.error+json' }, []],
    ['unacceptable', 'a page of XHTML', { 'Content-Type': 'application/xhtml+xml' }, ['Accept: */*']],
    ['unacceptable', 'a page where JSON is accepted', HTML, ['Accept: application/json']],
    ['unacceptable', 'a page where anything is accepted', HTML, ['Accept: application/json, */*;q=0.5']],
    ['unacceptable', 'a page to a client that names no type', HTML, []],
    ['success', 'a page where pages are accepted', HTML, ['Accept: text/html,application/xml;q=0.9,*/*;q=0.8']],
    ['success', 'a page where text is accepted', HTML, ['Accept: text/*']],
    ['success', 'a page of XHTML where it is accepted', XHTML, ['Accept: application/xhtml+xml, */*;q=0.5']],
    ['unacceptable', 'JSON where a picture is accepted', JSON_TYPE, ['Accept: image/png, image/*;q=0.5']],
    ['unacceptable', 'JSON where it is refused', JSON_TYPE, ['Accept: application/json;q=0, text/csv']],
    ['unacceptable', 'JSON where all but text is refused', JSON_TYPE, ['Accept: text/csv, */*;q=0']],
    ['success', 'JSON where it is accepted', JSON_TYPE, ['Accept: image/png, application/json;v=1']],
    ['success', 'JSON where the second list names it', JSON_TYPE, ['Accept: image/png', 'accept: application/json']],
    ['success', 'JSON where anything is accepted', JSON_TYPE, ['Accept: text/csv, */*']],
    ['success', 'JSON to a client that names no type', JSON_TYPE, []],
    ['success', 'a type in a form of it', PROTO, ['Accept: application/vnd.cam']],
    ['success', 'a type that is written as the accepted one', PROTO, ['Accept: application/proto']],
    ['unacceptable', 'a type that is written as another', PROTO, ['Accept: application/json']],
    ['success', 'a body without a type', {}, ['Accept: application/json']],
    ['success', 'a body of its digest', { 'Content-Digest': SHA_256 }, []],
    ['corrupt', 'a body of another digest', { 'Content-Digest': DIGEST }, []],
    ['corrupt', 'a body of another digest of its representation', { 'Repr-Digest': 'sha-256=:AAAA:' }, []],
    ['success', 'a body of its MD5', { 'Content-MD5': MD5 }, []],
    ['corrupt', 'a body of another MD5', { 'Content-MD5': 'AAAA' }, []],
    ['unacceptable', 'a coding that is not accepted', GZIP, ['Accept-Encoding: br, deflate']],
    ['unacceptable', 'a coding where none is accepted', GZIP, ['Accept-Encoding: identity']],
    ['unacceptable', 'a coding that is refused', GZIP, ['Accept-Encoding: *, gzip;q=0']],
    ['success', 'a coding under its older name', GZIP, ['Accept-Encoding: br;q=0.5, x-gzip']],
    ['success', 'a coding where any is accepted', GZIP, ['Accept-Encoding: br, *;q=0.1']],
    ['success', 'a coding to a client that names none', GZIP, []],
    ['success', 'a digest by an unknown algorithm', { 'Content-Digest': 'crc32=:AAAA:' }, []],
  ])('is %s: %s', async (row, _, fields, asked) => {
    const body =
      fields === JSON_TYPE ? '[]' : fields === GZIP ? gzipSync('left') : fields === XHTML ? '<p>left</p>' : 'left';
    expect(await rowOf(answer(200, fields, body), asked)).toBe(row);
  });

  it('is empty, and of no type, where it has no content', async () => {
    expect(await rowOf(answer(204, HTML, ''), ['Accept: application/json'])).toBe('empty');
  });

  it('is a page where it has no type and begins as one, which is for those that accept pages', async () => {
    const page = Buffer.from('<!doctype html><p>left');
    const rowsOf = (accept: string): Promise<string[]> =>
      Promise.all([
        rowOf(answer(200, {}, page), [accept]),
        rowOf(answer(200, { 'Content-Encoding': 'gzip' }, gzipSync(page)), [accept]),
        rowOf(answer(200, { 'Content-Type': 'text/plain' }, page), [accept]),
      ]);
    expect(await rowsOf('Accept: text/html, */*;q=0.1')).toEqual(['success', 'success', 'unacceptable']);
    expect(await rowsOf('Accept: */*')).toEqual(['unacceptable', 'unacceptable', 'unacceptable']);
  });

  it('is a message of Protocol Buffers with no bytes as well', async () => {
    const type = { 'Content-Type': 'application/x-protobuf' };
    expect(await rowOf(answer(200, type, ''))).toBe('success');
    expect(await rowOf(answer(200, { ...type, 'Content-Encoding': 'gzip' }, gzipSync('')))).toBe('success');
    expect(await rowOf(answer(200, {}, ''))).toBe('empty');
  });

  it('is unacceptable where its body is none of its type', async () => {
    const rows = await Promise.all(
      ['Internal error', '{}', ' [1]', '-0.5'].map((body) => rowOf(answer(200, JSON_TYPE, body))),
    );
    expect(rows).toEqual(['unacceptable', 'success', 'success', 'success']);
    const zipped = brotliCompressSync("{'left': None}");
    const type = { ...JSON_TYPE, 'Content-Encoding': 'br' };
    expect(await rowOf((response) => void response.writeHead(200, type).end(zipped))).toBe('unacceptable');
  });

  it.each([
    ['success', 'data: left\n\n'],
    ['empty', ': welcome\n\n'],
    ['empty', 'data: left'],
    ['unfinished', 'data: left\n\ndata: ri'],
  ])('is %s where its events are %j', async (row, body) => {
    expect(await rowOf(answer(200, { 'Content-Type': 'text/event-stream' }, body))).toBe(row);
  });

  it.each([
    ['success', 'image/jpeg', '\xff\xd8\xffleft\xff\xd9'],
    ['unfinished', 'image/jpeg', '\xff\xd8\xffleft'],
    ['unacceptable', 'image/jpeg', 'no camera'],
    ['unacceptable', 'application/xml', 'Internal error'],
    ['unacceptable', 'text/plain', '<html><title>Log in</title></html>'],
    ['unfinished', 'application/x-protobuf', '\x0a\x05mod'],
    ['empty', 'application/json', ' \n'],
    ['cut-off', 'application/xml', '<a><b'],
  ])('is %s where its body of %s is %j', async (row, type, body) => {
    const answered = answer(200, { 'Content-Type': type }, Buffer.from(body, 'latin1'));
    expect(await rowOf(answered)).toBe(row);
  });

  it('is unfinished where its events do not say that they are over, as those before did', async () => {
    const endings = ['', 'data: [DONE]\n\n', ''];
    const instance = await startInstance((_request, response) => {
      answer(200, { 'Content-Type': 'text/event-stream' }, `data: left\n\n${endings.shift()}`)(response);
    });
    const proxy = await startProxy([{ name: 'cam', ports: [instance.port] }]);
    for (let i = 0; i < 3; i++)
      await rawRequest(proxy.port, 'GET / HTTP/1.1\r\nHost: cam\r\nConnection: close\r\n\r\n');
    expect(proxy.verdicts.map(({ row }) => row)).toEqual(['success', 'success', 'unfinished']);
  });

  it.each([
    ['success', '--f\r\nContent-Length: 3\r\n\r\none\r\n'],
    ['unfinished', '--f\r\nContent-Length: 3\r\n\r\non'],
    ['empty', '--f\r\nContent-Type: image/jpeg\r\n\r\n'],
  ])('is %s where its pictures are %j', async (row, body) => {
    expect(await rowOf(answer(200, { 'Content-Type': 'multipart/x-mixed-replace; boundary=f' }, body))).toBe(row);
  });

  it.each([
    ['success', SHA_256],
    ['corrupt', 'sha-256=:AAAA:'],
    ['corrupt', DIGEST.slice(0, DIGEST.indexOf(','))],
    ['success', 'crc32=:AAAA:'],
  ])('is %s with the digest %s in its trailers', async (row, digest) => {
    const answered = rowOf((response) => {
      response.writeHead(200, { Trailer: 'Content-Digest' });
      response.write('le');
      response.addTrailers({ 'Content-Digest': digest });
      response.end('ft');
    });
    expect(await answered).toBe(row);
  });

  it('is held to the digests of its content alone, whatever else its trailers say', async () => {
    const answered = rowOf((response) => {
      response.writeHead(200, { Trailer: 'Unencoded-Digest, Content-Digest' });
      response.write('left');
      response.addTrailers({ 'Unencoded-Digest': 'sha-256=:AAAA:', 'Content-Digest': SHA_256 });
      response.end();
    });
    expect(await answered).toBe('success');
  });

  it.each([200, 202])('is mismatched with the status %i to a client that wants a WebSocket', async (status) => {
    const asked = ['Connection: Upgrade', 'Upgrade: websocket'];
    expect(await rowOf(answer(status, {}), asked)).toBe('mismatched');
  });

  it('is unfinished where its last line is', async () => {
    expect(await rowOf(answer(200, { 'Content-Type': 'application/x-ndjson' }, '{}\n{"le'))).toBe('unfinished');
  });

  it.each([
    ['accepted', 202, []],
    ['success', 207, []],
    ['accepted', 218, []],
    ['accepted', 299, []],
    ['success', 203, []],
    ['mismatched', 226, []],
    ['success', 226, ['A-IM: feed']],
  ])('is %s with the status %i to %j', async (row, status, asked) => {
    expect(await rowOf(answer(status, {}), asked)).toBe(row);
  });

  it.each<[string, string, Readonly<Record<string, string>>, readonly string[]]>([
    ['mismatched', 'no part was asked for', { 'Content-Range': 'bytes 0-3/9' }, []],
    ['success', 'it is the part', { 'Content-Range': 'bytes 2-5/9' }, ['Range: bytes=2-5']],
    ['success', 'it is less than was asked for', { 'Content-Range': 'bytes 2-5/*' }, ['Range: bytes=2-']],
    ['success', 'the end was asked for', { 'Content-Range': 'bytes 5-8/9' }, ['Range: bytes=-4']],
    [
      'success',
      'it has parts of its own',
      { 'Content-Type': 'multipart/byteranges; boundary=b' },
      ['Range: bytes=0-1,3-4'],
    ],
    ['success', 'it is of another unit', { 'Content-Range': 'rows 0-3/9' }, ['Range: rows=0-3']],
    ['mismatched', 'it does not say which', {}, ['Range: bytes=2-5']],
    ['mismatched', 'what it says is no range', { 'Content-Range': 'bytes a-b/c' }, ['Range: bytes=2-5']],
    ['mismatched', 'it ends before it begins', { 'Content-Range': 'bytes 5-2/9' }, ['Range: bytes=2-5']],
    ['mismatched', 'it lies before', { 'Content-Range': 'bytes 0-3/9' }, ['Range: bytes=2-5']],
    ['mismatched', 'it lies behind', { 'Content-Range': 'bytes 6-9/10' }, ['Range: bytes=2-5']],
    ['mismatched', 'it has another length', { 'Content-Range': 'bytes 2-7/9' }, ['Range: bytes=2-7']],
  ])('with the status 206 is %s: %s', async (row, _, fields, asked) => {
    expect(await rowOf(answer(206, fields), asked)).toBe(row);
  });

  it.each<[string, string, Readonly<Record<string, string>>]>([
    ['success', 'the client has that version', { ETag: 'W/"b"' }],
    ['success', 'it does not say which version', {}],
    ['success', 'the client has it in a second list', { ETag: '"d"' }],
    ['mismatched', 'the client has others', { ETag: '"c"' }],
  ])('with the status 304 is %s: %s', async (row, _, fields) => {
    expect(await rowOf(answer(304, fields, ''), ['If-None-Match: "a", "b"', 'If-None-Match: "d"'])).toBe(row);
  });
});

describe('an instance that alone answers something else', () => {
  it('is held responsible for it, and the client is not satisfied', async () => {
    const good = await startInstance((_request, response) => response.writeHead(200, JSON_TYPE).end('[]'));
    const bad = await startInstance((_request, response) => response.writeHead(200, PROBLEM).end('{}'));
    const proxy = await startProxy([{ name: 'cam', ports: [good.port, bad.port], policy: ROUND_ROBIN }]);
    for (let i = 0; i < 24; i++) {
      await rawRequest(proxy.port, 'GET / HTTP/1.1\r\nHost: cam\r\nConnection: close\r\n\r\n');
    }
    const last = proxy.observed.slice(-6).map(({ key, result }) => `${key} ${result}`);
    expect(new Set(last)).toEqual(new Set(['n1/a answered', 'n2/b failed']));
    expect(proxy.accounts.slice(-6).filter(({ success }) => success)).toHaveLength(3);
    expect(proxy.verdicts.map(({ reason }) => reason).slice(-2)).toContain('problem details');
  });
});

describe.each([
  ['an event', 'text/event-stream', 'data: left\n\n', 'data: ri'],
  ['a line', 'application/x-ndjson', '{"turn":"left"}\n', '{"turn":"ri'],
])('an instance whose streams alone end within %s', (_, type, whole, part) => {
  it('is held responsible for it once the stream is over', async () => {
    const good = await startInstance((_request, response) =>
      response.writeHead(200, { 'Content-Type': type }).end(whole),
    );
    const bad = await startInstance((_request, response) => {
      response.writeHead(200, { 'Content-Type': type }).write(whole);
      setTimeout(() => response.end(part), 5);
    });
    const proxy = await startProxy([{ name: 'cam', ports: [good.port, bad.port], policy: ROUND_ROBIN }]);
    for (let i = 0; i < 24; i++) {
      await rawRequest(proxy.port, 'GET / HTTP/1.1\r\nHost: cam\r\nConnection: close\r\n\r\n');
    }
    expect(proxy.verdicts.slice(-4).map(({ reason }) => reason)).toContain('broke off');
    expect(new Set(proxy.observed.slice(-6).map(({ key, result }) => `${key} ${result}`))).toEqual(
      new Set(['n1/a answered', 'n2/b answered', 'n2/b failed']),
    );
  });
});

const ROUND_ROBIN = { name: 'round-robin', options: {} };
