// Where frames end, however the bytes are cut.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeFrame, FrameTracker, usesReserved } from '../../../src/proxy/websocket/frames.ts';

function frame(payloadBytes: number, masked: boolean): Buffer {
  const header: number[] = [0x82];
  const mask = masked ? 0x80 : 0;
  if (payloadBytes < 126) header.push(mask | payloadBytes);
  else if (payloadBytes < 65_536) header.push(mask | 126, payloadBytes >> 8, payloadBytes & 0xff);
  else header.push(mask | 127, 0, 0, 0, 0, 0, payloadBytes >> 16, (payloadBytes >> 8) & 0xff, payloadBytes & 0xff);
  if (masked) header.push(1, 2, 3, 4);
  return Buffer.concat([Buffer.from(header), Buffer.alloc(payloadBytes, 0x88)]);
}

describe('the frame tracker', () => {
  it('finds the end of every frame however the stream is cut', () => {
    const frames = fc.array(fc.record({ bytes: fc.nat({ max: 70_000 }), masked: fc.boolean() }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 50_000 }), { minLength: 1 }), (specs, cuts) => {
        const stream = Buffer.concat(specs.map(({ bytes, masked }) => frame(bytes, masked)));
        const ends = new Set<number>();
        specs.reduce((at, { bytes, masked }) => {
          const end = at + frame(bytes, masked).length;
          ends.add(end);
          return end;
        }, 0);
        const tracker = new FrameTracker();
        for (let at = 0, i = 0; at < stream.length; i++) {
          const chunk = stream.subarray(at, at + (cuts[i % cuts.length] ?? 1));
          const boundary = tracker.advance(chunk);
          const next = [...ends].find((end) => end > at) ?? -1;
          expect(boundary).toBe(next <= at + chunk.length ? next - at : -1);
          at += chunk.length;
          expect(tracker.atBoundary).toBe(ends.has(at));
        }
      }),
      { numRuns: 50, seed: 1 },
    );
  });

  it('sees the code of a close frame, and whether messages came before', () => {
    const code = (...pieces: number[][]): [boolean, number, boolean] => {
      const tracker = new FrameTracker();
      for (const piece of pieces) tracker.advance(Buffer.from(piece));
      return [tracker.isClosed, tracker.closeCode, tracker.hasMessage];
    };
    expect(code([0x89, 0x00], [0x8a, 0x00])).toEqual([false, 0, false]);
    expect(code([0x81, 0x01, 0x41, 0x88, 0x02, 0x03, 0xe8])).toEqual([true, 1000, true]);
    expect(code([0x88], [0x05, 0x03], [0xf3, 0x41], [0x41, 0x41])).toEqual([true, 1011, false]);
    expect(code([0x81, 0x00, 0x88, 0x05, 0x03])).toEqual([false, 0, true]);
    expect(code([0x88, 0x02, 0x00], [0x00])).toEqual([true, 1005, false]);
    expect(code([0x88, 0x00])).toEqual([true, 1005, false]);
    expect(code([0x88, 0x82, 1, 2, 3, 4, 5, 6])).toEqual([true, 1005, false]);
  });

  it('sees frames at which the other end has to give up', () => {
    const isInvalid = (masks: boolean, ...pieces: number[][]): boolean => {
      const tracker = new FrameTracker(masks);
      for (const piece of pieces) tracker.advance(Buffer.from(piece));
      return tracker.isInvalid;
    };
    expect(isInvalid(false, [0x81, 0x01, 0x41], [0x02, 0x00, 0x80], [0x00, 0x89, 0x00, 0x88, 0x00])).toBe(false);
    // Compressed (RFC 7692).
    expect(isInvalid(false, [0xc1, 0x01, 0x41])).toBe(false);
    expect(isInvalid(true, [0x81, 0x81, 1, 2, 3, 4, 5])).toBe(false);
    for (const first of [0x83, 0x8b, 0xa1, 0x91, 0x08, 0x09]) expect(isInvalid(false, [first], [0x00])).toBe(true);
    expect(isInvalid(false, [0x89, 0x7e, 0x00, 0x80])).toBe(true);
    expect(isInvalid(false, [0x81, 0x81, 1, 2, 3, 4, 5])).toBe(true);
    expect(isInvalid(false, [0x82, 0x7f, 0x7f, 0, 0, 0, 0, 0, 0, 0])).toBe(false);
    expect(isInvalid(false, [0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0])).toBe(true);
    expect(isInvalid(true, [0x81, 0x01, 0x41])).toBe(true);
    expect(isInvalid(false, [...Buffer.from('HTTP/1.1 500 Internal Server Error\r\n\r\n')])).toBe(true);
  });

  it('holds reserved bits and opcodes against no stream with an extension that may use them', () => {
    const isInvalid = (...bytes: number[]): boolean => {
      const tracker = new FrameTracker(false, true);
      tracker.advance(Buffer.from(bytes));
      return tracker.isInvalid;
    };
    for (const first of [0x83, 0x8b, 0xa1, 0x91]) expect(isInvalid(first, 0x00)).toBe(false);
    for (const frame of [
      [0x09, 0x00],
      [0x81, 0x81, 1, 2, 3, 4, 5],
    ])
      expect(isInvalid(...frame)).toBe(true);
  });

  it('knows which extensions use no more than the first reserved bit', () => {
    expect(usesReserved(null)).toBe(false);
    expect(usesReserved('permessage-deflate')).toBe(false);
    expect(usesReserved(' Permessage-Deflate ; client_max_window_bits=15, ')).toBe(false);
    expect(usesReserved('x-webkit-deflate-frame')).toBe(true);
    expect(usesReserved('permessage-deflate, x-bits; a="b"')).toBe(true);
    expect(usesReserved('permessage-deflate-2')).toBe(true);
  });

  it('takes a close frame of ours for one frame', () => {
    for (const masked of [true, false]) {
      const tracker = new FrameTracker();
      const bytes = closeFrame(1001, masked);
      expect(tracker.advance(bytes)).toBe(bytes.length);
    }
  });
});
