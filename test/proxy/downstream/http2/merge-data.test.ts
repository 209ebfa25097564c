import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader } from '../../../../src/proxy/downstream/http2/frame-reader.ts';
import { mergeData } from '../../../../src/proxy/downstream/http2/merge-data.ts';
import { FLAG, type FrameSeen, frame, framesIn, PREFACE, TYPE } from '../../../support/http2-frames.ts';

function merged(frames: readonly Buffer[]): FrameSeen[] {
  const reader = new FrameReader();
  const read = reader.read(Buffer.concat([PREFACE, ...frames]), Number.POSITIVE_INFINITY);
  return framesIn(mergeData(reader.whole.subarray(0, reader.ready), read).subarray(PREFACE.length));
}

const padded = (data: string, padding: number): Buffer =>
  Buffer.concat([Buffer.from([padding]), Buffer.from(data, 'latin1'), Buffer.alloc(padding)]);

/** What each stream hears, in order: the data between two other frames as one, and what flow control counts. */
function perStream(frames: readonly FrameSeen[]): Map<number, string[]> {
  const streams = new Map<number, string[]>();
  const flow = new Map<number, number>();
  for (const { type, flags, streamId, payload } of frames) {
    const heard = streams.get(streamId) ?? [];
    streams.set(streamId, heard);
    if (type !== TYPE.data) {
      heard.push(`frame ${type} ${flags} ${payload.toString('hex')}`);
      continue;
    }
    flow.set(streamId, (flow.get(streamId) ?? 0) + payload.length);
    const isPadded = (flags & FLAG.padded) !== 0;
    const data = isPadded ? payload.subarray(1, payload.length - (payload[0] ?? 0)) : payload;
    const last = heard.at(-1);
    if (last?.startsWith('data ') === true) heard[heard.length - 1] = `${last}${data.toString('latin1')}`;
    else if (data.length > 0) heard.push(`data ${data.toString('latin1')}`);
    if ((flags & FLAG.endStream) !== 0) heard.push('end');
  }
  for (const [streamId, bytes] of flow) if (bytes > 0) streams.get(streamId)?.push(`flow ${bytes}`);
  // Nothing is said by frames without data, and they may be left out.
  return new Map([...streams].filter(([, heard]) => heard.length > 0));
}

describe('small DATA frames', () => {
  it('of one stream become one', () => {
    const frames = Array.from({ length: 1000 }, () => frame(TYPE.data, 0, 1, 'x'));
    expect(merged(frames).map(({ payload }) => payload.toString())).toEqual(['x'.repeat(1000)]);
  });

  it('of streams in turns become one a stream', () => {
    const frames = Array.from({ length: 900 }, (_, i) => frame(TYPE.data, 0, 1 + 2 * (i % 3), String(i % 3)));
    expect(merged(frames).map(({ payload }) => payload.toString())).toEqual(
      ['0', '1', '2'].map((it) => it.repeat(300)),
    );
  });

  it('with padding become one that flow control counts the same', () => {
    const frames = Array.from({ length: 100 }, () => frame(TYPE.data, FLAG.padded, 1, padded('x', 1)));
    const result = merged(frames);
    expect(result.length).toBeLessThan(3);
    expect(result.reduce((sum, { payload }) => sum + payload.length, 0)).toBe(300);
  });

  it('end their stream', () => {
    const frames = [frame(TYPE.data, 0, 1, 'x'), frame(TYPE.data, FLAG.endStream, 1, '')];
    expect(merged(frames)).toMatchObject([{ flags: FLAG.endStream }]);
  });

  it('say the same as before, in any case', () => {
    const one = fc.oneof(
      { weight: 8, arbitrary: fc.tuple(fc.constantFrom(1, 3, 5), fc.string({ maxLength: 20 }), fc.constant(-1)) },
      { weight: 4, arbitrary: fc.tuple(fc.constantFrom(1, 3, 5), fc.string({ maxLength: 20 }), fc.nat(255)) },
    );
    const data = one.map(([streamId, text, padding]) =>
      padding < 0
        ? frame(TYPE.data, 0, streamId, Buffer.from(text))
        : frame(TYPE.data, FLAG.padded, streamId, padded(Buffer.from(text).toString('latin1'), padding)),
    );
    const other = fc.constantFrom(
      frame(TYPE.ping, 0, 0, '12345678'),
      frame(TYPE.rst, 0, 3, '\0\0\0\x08'),
      frame(TYPE.headers, FLAG.endHeaders | FLAG.endStream, 5, '\x88'),
      frame(TYPE.data, FLAG.padded, 1, '\x09x'),
    );
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 20, arbitrary: data }, { weight: 1, arbitrary: other })), (frames) => {
        const before = framesIn(Buffer.concat(frames));
        expect(perStream(merged(frames))).toEqual(perStream(before));
      }),
    );
  });
});
