// Bytes that resemble what a protocol expects, and differ from it at a few places: what a fuzz test throws at a port.

import { connect, type Socket } from 'node:net';
import fc from 'fast-check';

/** How one connection goes: what is sent, in which pieces, and how it ends. */
export interface HostileInput {
  readonly bytes: Buffer;
  /** Where the bytes are cut; each piece is written in a turn of its own. */
  readonly cuts: readonly number[];
  readonly ending: 'end' | 'reset' | 'wait' | 'deaf';
}

type Mutation = (bytes: Buffer) => Buffer;

const place = fc.nat(4095);
const noise = fc.uint8Array({ maxLength: 24 });

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.nat(7)).map(
    ([at, bit]): Mutation =>
      (bytes) => {
        const copy = Buffer.from(bytes);
        if (copy.length > 0) copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ (1 << bit);
        return copy;
      },
  ),
  fc.tuple(place, noise).map(
    ([at, more]): Mutation =>
      (bytes) =>
        insert(bytes, at, Buffer.from(more)),
  ),
  fc.tuple(place, fc.constantFrom('\r\n', '\n', '\r', '\0', ' ', '\t', ':', ',', '\r\n\r\n', '\xff')).map(
    ([at, text]): Mutation =>
      (bytes) =>
        insert(bytes, at, Buffer.from(text, 'latin1')),
  ),
  fc.tuple(place, fc.nat(64)).map(
    ([at, length]): Mutation =>
      (bytes) => {
        const from = at % (bytes.length + 1);
        return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]);
      },
  ),
  fc.tuple(place, fc.nat(200), fc.integer({ min: 2, max: 40 })).map(
    ([at, length, times]): Mutation =>
      (bytes) => {
        const from = at % (bytes.length + 1);
        const part = bytes.subarray(from, from + length);
        return insert(bytes, from, Buffer.concat(Array.from({ length: times }, () => part)));
      },
  ),
  place.map(
    (at): Mutation =>
      (bytes) =>
        bytes.subarray(0, at % (bytes.length + 1)),
  ),
);

/** Mutations of one or several of `templates`, one behind the other, behind `prefix`, which most often stays as it is. */
export function hostileInput(
  templates: readonly Buffer[],
  prefix: Buffer = Buffer.alloc(0),
): fc.Arbitrary<HostileInput> {
  return fc
    .record({
      parts: fc.array(fc.constantFrom(...templates), { minLength: 1, maxLength: 4 }),
      mutations: fc.array(mutation, { maxLength: 4 }),
      mutatesPrefix: fc.boolean().chain((once) => (once ? fc.boolean() : fc.constant(false))),
      cuts: fc.array(place, { maxLength: 3 }),
      ending: fc.constantFrom('end', 'reset', 'wait', 'deaf'),
    })
    .map(({ parts, mutations, mutatesPrefix, cuts, ending }): HostileInput => {
      const first = mutatesPrefix ? [prefix, ...parts] : parts;
      const mutated = mutations.reduce<Buffer>((bytes, mutate) => mutate(bytes), Buffer.concat(first));
      return { bytes: mutatesPrefix ? mutated : Buffer.concat([prefix, mutated]), cuts, ending };
    });
}

/** How long an answer is waited for, ms. */
const PATIENCE_MS = 25;

/** Throws one input at a port of this machine. Resolves when the connection is closed. */
export async function throwAt(port: number, { bytes, cuts, ending }: HostileInput): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  if (ending === 'deaf') socket.pause();
  else socket.resume();
  for (const piece of cut(bytes, cuts)) {
    if (socket.destroyed) break;
    socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (ending === 'end') socket.end();
  const timer = setTimeout(finish, PATIENCE_MS, socket, ending);
  await closed;
  clearTimeout(timer);
}

function finish(socket: Socket, ending: HostileInput['ending']): void {
  if (ending === 'reset') socket.resetAndDestroy();
  else socket.destroy();
}

function insert(bytes: Buffer, at: number, more: Buffer): Buffer {
  const from = at % (bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, from), more, bytes.subarray(from)]);
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const bounds = [0, ...cuts.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return bounds.slice(1).map((bound, index) => bytes.subarray(bounds[index], bound));
}
