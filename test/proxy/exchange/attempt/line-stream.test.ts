import { describe, expect, it } from 'vitest';
import { LineStream } from '../../../../src/proxy/exchange/attempt/line-stream.ts';

describe.each([1, 5, 4096])('a stream of lines in pieces of %i bytes', (pieceBytes) => {
  it.each([
    [false, ''],
    [false, '{"token":"a"}\n'],
    [false, '{"token":"a"}\n{"token":"b"}'],
    [false, '{"token":"a"}\r\n\r\n'],
    [true, '{"token":"a"}\n{"tok'],
    [true, '{"tok'],
    [false, `{"token":"a"}\n{"${'t'.repeat(70_000)}`],
  ])('is unfinished: %s, with %j', (isUnfinished, text) => {
    const stream = new LineStream();
    const body = Buffer.from(text);
    for (let at = 0; at < body.length; at += pieceBytes) stream.take(body.subarray(at, at + pieceBytes));
    expect(stream.isUnfinished).toBe(isUnfinished);
  });
});
