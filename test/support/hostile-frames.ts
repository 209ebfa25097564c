// Conversations of HTTP/2 that begin well and go wrong in the middle, frame by frame: what is cut, doubled, out of order, of another
// stream or of another length, and what no peer should say at that moment.

import fc from 'fast-check';
import type { HostileInput } from './hostile-bytes.ts';
import { FLAG, frame, hpack, TYPE } from './http2-frames.ts';

/** One frame; `declared`: the length that its header names, where it is not that of the payload. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
  readonly declared?: number;
}

type Mutation = (frames: readonly Frame[]) => readonly Frame[];

const place = fc.nat(4095);
const uint32 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, index * 4);
  return bytes;
};
const setting = (id: number, value: number): Buffer => Buffer.concat([Buffer.from([0, id]), uint32(value)]);

/** Frames that may come at any moment, and those that may not; on the stream of the frame before. */
const INTRUDERS: readonly Omit<Frame, 'streamId'>[] = [
  { type: TYPE.rstStream, flags: 0, payload: uint32(8) },
  { type: TYPE.rstStream, flags: 0, payload: uint32(0) },
  { type: TYPE.rstStream, flags: 0, payload: uint32(7) },
  { type: TYPE.windowUpdate, flags: 0, payload: uint32(0) },
  { type: TYPE.windowUpdate, flags: 0, payload: uint32(0x7fff_ffff) },
  { type: TYPE.windowUpdate, flags: 0, payload: uint32(1) },
  { type: TYPE.data, flags: FLAG.padded, payload: Buffer.from([255, 1, 2]) },
  { type: TYPE.data, flags: FLAG.padded, payload: Buffer.from([3, 1, 0, 0, 0]) },
  { type: TYPE.data, flags: FLAG.endStream, payload: Buffer.alloc(0) },
  { type: TYPE.data, flags: 0, payload: Buffer.alloc(16_384, 'x') },
  { type: TYPE.continuation, flags: FLAG.endHeaders, payload: hpack([['x-late', '1']]) },
  { type: TYPE.continuation, flags: 0, payload: Buffer.alloc(0) },
  { type: TYPE.headers, flags: FLAG.endHeaders, payload: hpack([['x-trailer', '1']]) },
  { type: TYPE.headers, flags: FLAG.endHeaders | FLAG.endStream, payload: hpack([['x-trailer', '1']]) },
  { type: TYPE.headers, flags: 0, payload: hpack([['x-open', '1']]) },
  // A table of another size (RFC 7541 section 6.3), in the middle of a block, and larger than allowed.
  { type: TYPE.headers, flags: FLAG.endHeaders, payload: Buffer.from([0x20, 0x3f, 0xe1, 0x1f, 0x88]) },
  { type: TYPE.headers, flags: FLAG.endHeaders, payload: Buffer.from([0x88, 0x20]) },
  { type: TYPE.headers, flags: FLAG.endHeaders, payload: Buffer.from([0x3f, 0xff, 0xff, 0xff, 0xff, 0x0f]) },
  // An index that is in no table, one without end, Huffman codes that are none.
  { type: TYPE.headers, flags: FLAG.endHeaders, payload: Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]) },
  {
    type: TYPE.headers,
    flags: FLAG.endHeaders,
    payload: Buffer.from([0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x81, 0xff]),
  },
  { type: TYPE.headers, flags: FLAG.endHeaders | FLAG.priority, payload: Buffer.from([0, 0, 0, 1, 16, 0x88]) },
  { type: TYPE.priority, flags: 0, payload: Buffer.from([0, 0, 0, 1, 16]) },
  { type: TYPE.pushPromise, flags: FLAG.endHeaders, payload: Buffer.concat([uint32(2), hpack([[':path', '/']])]) },
  { type: 99, flags: 255, payload: Buffer.from('extension') },
];

/** The same, of the connection. */
const OF_CONNECTION: readonly Omit<Frame, 'streamId'>[] = [
  { type: TYPE.settings, flags: 0, payload: setting(4, 0) },
  { type: TYPE.settings, flags: 0, payload: setting(4, 0x7fff_ffff) },
  { type: TYPE.settings, flags: 0, payload: setting(4, 0x8000_0000) },
  { type: TYPE.settings, flags: 0, payload: setting(1, 0) },
  { type: TYPE.settings, flags: 0, payload: Buffer.concat([setting(3, 0), setting(5, 16_385), setting(6, 1)]) },
  { type: TYPE.settings, flags: FLAG.ack, payload: Buffer.alloc(0) },
  { type: TYPE.settings, flags: 0, payload: Buffer.alloc(5) },
  { type: TYPE.ping, flags: 0, payload: Buffer.from('12345678') },
  { type: TYPE.ping, flags: FLAG.ack, payload: Buffer.from('qedge: .') },
  { type: TYPE.goaway, flags: 0, payload: uint32(0, 0) },
  { type: TYPE.goaway, flags: 0, payload: uint32(1, 2) },
  { type: TYPE.goaway, flags: 0, payload: uint32(0x7fff_ffff, 0) },
  { type: TYPE.windowUpdate, flags: 0, payload: uint32(0x7fff_ffff) },
  { type: TYPE.windowUpdate, flags: 0, payload: uint32(0) },
];

/** Changes the frame at one place, or puts others in its place. */
const at = (place: number, change: (frame: Frame) => readonly Frame[]): Mutation => {
  return (frames) => frames.flatMap((one, index) => (index === place % frames.length ? change(one) : [one]));
};

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc
    .tuple(place, fc.constantFrom(...INTRUDERS), fc.constantFrom(0, 2, 0, 0))
    .map(([where, intruder, ahead]) => at(where, (one) => [one, { ...intruder, streamId: one.streamId + ahead }])),
  fc
    .tuple(place, fc.constantFrom(...OF_CONNECTION))
    .map(([where, intruder]) => at(where, (one) => [one, { ...intruder, streamId: 0 }])),
  fc
    .tuple(place, fc.integer({ min: 2, max: 300 }))
    .map(([where, times]) => at(where, (one) => Array.from({ length: times }, () => one))),
  fc.tuple(place, place).map(
    ([from, to]): Mutation =>
      (frames) => {
        const others = frames.filter((_, index) => index !== from % frames.length);
        const moved = frames[from % frames.length];
        return moved === undefined ? frames : others.toSpliced(to % frames.length, 0, moved);
      },
  ),
  place.map((where) => at(where, () => [])),
  fc.tuple(place, place, fc.nat(7)).map(([where, byte, bit]) =>
    at(where, (one) => {
      const payload = Buffer.from(one.payload);
      if (payload.length > 0) payload[byte % payload.length] = (payload[byte % payload.length] ?? 0) ^ (1 << bit);
      return [{ ...one, payload }];
    }),
  ),
  fc
    .tuple(place, place)
    .map(([where, length]) =>
      at(where, (one) => [{ ...one, payload: one.payload.subarray(0, length % (one.payload.length + 1)) }]),
    ),
  fc
    .tuple(place, fc.constantFrom(0, 1, 7, 16_384, 16_385, 0xff_ffff))
    .map(([where, declared]) => at(where, (one) => [{ ...one, declared }])),
  fc
    .tuple(place, fc.constantFrom(0, 1, 2, 5, 0x7fff_ffff))
    .map(([where, streamId]) => at(where, (one) => [{ ...one, streamId }])),
  fc.tuple(place, fc.nat(255)).map(([where, flags]) => at(where, (one) => [{ ...one, flags }])),
  fc.tuple(place, fc.nat(10)).map(([where, type]) => at(where, (one) => [{ ...one, type }])),
  // A field block in pieces, of which each is a frame.
  fc.tuple(place, fc.integer({ min: 1, max: 40 })).map(([where, bytes]) =>
    at(where, (one) => {
      const pieces = [];
      for (let from = 0; from < one.payload.length; from += bytes)
        pieces.push(one.payload.subarray(from, from + bytes));
      if (one.type !== TYPE.headers || pieces.length < 2) return [one];
      return pieces.map((payload, index) => ({
        type: index === 0 ? TYPE.headers : TYPE.continuation,
        flags: (index === 0 ? one.flags & ~FLAG.endHeaders : 0) | (index === pieces.length - 1 ? FLAG.endHeaders : 0),
        streamId: one.streamId,
        payload,
      }));
    }),
  ),
);

/** Mutations of one or several of `parts`, one behind the other. */
export function hostileFrames(parts: readonly (readonly Frame[])[]): fc.Arbitrary<readonly Frame[]> {
  return fc
    .tuple(
      fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 4 }),
      fc.array(mutation, { minLength: 1, maxLength: 5 }),
    )
    .map(([chosen, mutations]) =>
      mutations.reduce<readonly Frame[]>((frames, mutate) => mutate(frames), chosen.flat()),
    );
}

/** The same behind `prefix`, as a client sends it. */
export function hostileConversation(parts: readonly (readonly Frame[])[], prefix: Buffer): fc.Arbitrary<HostileInput> {
  return fc
    .record({
      frames: hostileFrames(parts),
      cuts: fc.array(place, { maxLength: 3 }),
      ending: fc.constantFrom('end', 'reset', 'wait', 'deaf'),
    })
    .map(({ frames, cuts, ending }) => ({ bytes: Buffer.concat([prefix, bytesOf(frames)]), cuts, ending }));
}

export function bytesOf(frames: readonly Frame[]): Buffer {
  return Buffer.concat(
    frames.map(({ type, flags, streamId, payload, declared = payload.length }) => {
      const bytes = frame(type, flags, streamId, payload);
      bytes.writeUIntBE(declared, 0, 3);
      return bytes;
    }),
  );
}
