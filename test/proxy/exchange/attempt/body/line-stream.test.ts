import { describe, expect, it } from 'vitest';
import { EventStream, StreamEnds } from '../../../../../src/proxy/exchange/attempt/body/event-stream.ts';
import { LineStream } from '../../../../../src/proxy/exchange/attempt/body/line-stream.ts';

describe.each([1, 5, 4096])('a stream of lines in pieces of %i bytes', (pieceBytes) => {
  it.each([
    [false, ''],
    [false, '{"token":"a"}\n'],
    [false, '{"token":"a"}\n{"token":"b"}'],
    [false, '{"token":"a"}\r\n\r\n'],
    [true, '{"token":"a"}\n{"tok'],
    [true, '{"tok'],
    [true, '{"token":"a"}\n{"error":"out of memory"}\n'],
    [true, '{"token":"a"}\n{"error":"out of memory"}'],
    [true, '{"error":{"message":"no such model"}}\r\n\r\n'],
    [false, '{"error":"out of memory"}\n{"token":"a"}\n'],
    [false, '{"timestamp":"2026-01-01T00:00:00Z","message":"upload","error":"disk full"}\n'],
    [false, `{"error":"${'x'.repeat(2000)}"}\n`],
    [false, `{"token":"a"}\n{"${'t'.repeat(70_000)}`],
  ])('is unfinished: %s, with %j', (isUnfinished, text) => {
    const stream = new LineStream();
    const body = Buffer.from(text);
    for (let at = 0; at < body.length; at += pieceBytes) stream.take(body.subarray(at, at + pieceBytes));
    expect([stream.isUnfinished, stream.isHollow]).toEqual([isUnfinished, false]);
  });

  it.each(['Internal error\n', '\r\n<html>\n{}\n', '\n\n'])('is hollow where it begins with no JSON: %j', (text) => {
    const stream = new LineStream();
    const body = Buffer.from(text);
    for (let at = 0; at < body.length; at += pieceBytes) stream.take(body.subarray(at, at + pieceBytes));
    expect(stream.isHollow).toBe(true);
  });
});

it('streams of lines lack their end where others say that they are over', () => {
  const ends = new StreamEnds();
  const lacksEnd = (text: string): boolean => {
    const stream = new LineStream();
    stream.take(Buffer.from(text));
    return ends.lacksEnd(stream);
  };
  expect(lacksEnd('{"token":"a","done":false}\n')).toBe(false);
  expect(lacksEnd('{"token":"a","done":false}\n{"token":"","done":true}\n')).toBe(false);
  expect(lacksEnd('{"token":"a","done":false}\n')).toBe(true);
  expect(lacksEnd('{"token":"a","done":true}')).toBe(false);
  expect(lacksEnd(`{"token":"a","done":false}\n{"done":true,"context":[${'1,'.repeat(600)}1]}\n`)).toBe(false);
  expect(lacksEnd('{"status":"pulling"}\n{"status":"success"}\n')).toBe(false);
  const events = new EventStream();
  events.take(Buffer.from('data: left\n\n'));
  expect(ends.lacksEnd(events)).toBe(false);
});

it('a stream of lines keeps of a last line that comes byte by byte no more than its bytes', () => {
  const streams = Array.from({ length: 4 }, () => new LineStream());
  const byte = Buffer.from('1');
  const before = process.memoryUsage().heapUsed;
  for (const stream of streams) for (let i = 0; i < 65_000; i++) stream.take(byte);
  // Kept as the pieces that came it would be 27 MB.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(10_000_000);
  for (const stream of streams) expect(stream.isUnfinished).toBe(false);
});
