import { describe, expect, it } from 'vitest';
import { Http2Request } from '../../../../src/proxy/downstream/http2/request.ts';

const FRAME = Buffer.alloc(16_000, 'x');

/** A request with a body of unknown length, and what it says to its stream. */
function begun() {
  const credits: number[] = [];
  const gathered: Http2Request[] = [];
  const link = {
    moved: () => {},
    credit: (bytes: number) => credits.push(bytes),
    gather: (one: Http2Request) => gathered.push(one),
  };
  const request = new Http2Request(link, { method: 'POST', path: '/', rawHeaders: [], contentLength: -1 }, false);
  const seen: string[] = [];
  request.on('data', (chunk) => seen.push(chunk.toString()));
  request.once('end', () => seen.push('end'));
  return { request, credits, gathered, seen };
}

describe('a request of HTTP/2', () => {
  it('opens the window of its client as its body is read, and not while it waits', async () => {
    const { request, credits } = begun();
    for (let i = 0; i < 3; i++) request.take(FRAME, FRAME.length, false);
    expect(credits).toEqual([48_000]);
    request.pause();
    for (let i = 0; i < 4; i++) expect(request.take(FRAME, FRAME.length, false)).toBe('taken');
    expect(request.take(FRAME, FRAME.length, false)).toBe('beyond-window');
    expect(credits).toEqual([48_000]);
    request.resume();
    await new Promise(setImmediate);
    expect(credits).toEqual([48_000, 64_000]);
  });

  it('gathers small pieces, and passes them on as one before what is larger and before its end', () => {
    const { request, gathered, seen } = begun();
    for (const text of ['a', 'b', 'c']) request.take(Buffer.from(text), 1, false);
    expect([gathered.length, seen]).toEqual([1, []]);
    gathered[0]?.flush();
    expect(seen).toEqual(['abc']);
    request.take(Buffer.from('d'), 1, false);
    request.take(FRAME, FRAME.length, false);
    request.take(Buffer.from('e'), 1, true);
    expect(seen.slice(1)).toEqual([`d${FRAME}e`, 'end']);
  });

  it('that waits says nothing, not even its end', async () => {
    const { request, seen } = begun();
    request.pause();
    request.take(Buffer.from('a'), 1, true);
    expect(seen).toEqual([]);
    request.resume();
    await new Promise(setImmediate);
    expect(seen).toEqual(['a', 'end']);
  });

  it('counts padding against its window', () => {
    const { request, credits } = begun();
    for (let i = 0; i < 128; i++) request.take(Buffer.alloc(0), 256, false);
    expect(credits).toEqual([32_768]);
    request.pause();
    for (let i = 0; i < 255; i++) expect(request.take(Buffer.alloc(0), 256, false)).toBe('taken');
    expect(request.take(Buffer.alloc(0), 256, false)).toBe('beyond-window');
  });

  it('gives padding back that came while it waited', async () => {
    const { request, credits } = begun();
    request.pause();
    for (let i = 0; i < 255; i++) request.take(Buffer.alloc(0), 256, false);
    request.resume();
    await new Promise(setImmediate);
    expect(credits).toEqual([65_280]);
  });
});
