// What a socket brings to node's parser, in slices. A parser takes each read as a whole, and a read full of chunks of a byte
// keeps it for 25 ms: with many clients at the same moment the event loop would be held for seconds. All sockets together
// get a fixed share of each turn of the event loop; what is beyond it waits for the next, and its socket is not read.

import type { Socket } from 'node:net';

/** Some 700 chunks of a byte, which are parsed in 2 ms. What a read has up to here never waits. */
const SLICE_BYTES = 4096;
/** For all that is beyond it, ms of each turn. */
const TURN_MS = 5;

/** From now on; `first`: what was read before, and comes in front. `socket` must be node's own server's by now. */
export function sliceReads(socket: Socket, first: Buffer): void {
  const reads = new SlicedReads(socket);
  socket.push = (chunk: Buffer | null): boolean => reads.take(chunk);
  // Node's parser reads from the kernel itself until somebody else listens.
  socket.on('data', () => {});
  reads.defer(first);
}

class SlicedReads {
  readonly #socket: Socket;
  readonly #push: (chunk: Buffer | null) => boolean;
  /** Null: the end. */
  #waiting: (Buffer | null)[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#push = socket.push.bind(socket);
  }

  /** False: no more for now. */
  take(chunk: Buffer | null): boolean {
    if (this.#waiting.length === 0) return this.#pass(chunk);
    this.#waiting.push(chunk);
    return false;
  }

  defer(chunk: Buffer): void {
    this.#waiting.push(chunk);
    waitForTurn(this);
  }

  /** Its turn: what waits goes on, and the socket is read again once nothing does. */
  release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [index, chunk] of waiting.entries()) {
      this.#pass(chunk);
      if (this.#waiting.length === 0) continue;
      this.#waiting.push(...waiting.slice(index + 1));
      return;
    }
    const socket = this.#socket;
    if (!socket.destroyed && socket.readableLength < socket.readableHighWaterMark) socket._read(0);
  }

  #pass(chunk: Buffer | null): boolean {
    if (chunk === null) return this.#push(null);
    let more = true;
    for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
      if (at > 0 && spentMs >= TURN_MS) {
        this.#waiting.push(chunk.subarray(at));
        waitForTurn(this);
        return false;
      }
      const startMs = performance.now();
      more = this.#push(at === 0 && chunk.length <= SLICE_BYTES ? chunk : chunk.subarray(at, at + SLICE_BYTES));
      spend(performance.now() - startMs);
    }
    return more;
  }
}

/** Of this event loop: spent in this turn, and those that wait for the next, the longest first. */
let spentMs = 0;
let waiting: SlicedReads[] = [];
let scheduled = false;

function spend(ms: number): void {
  spentMs += ms;
  schedule();
}

function waitForTurn(reads: SlicedReads): void {
  waiting.push(reads);
  schedule();
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(beginTurn);
}

function beginTurn(): void {
  scheduled = false;
  spentMs = 0;
  const inLine = waiting;
  waiting = [];
  let served = 0;
  while (served < inLine.length && spentMs < TURN_MS) inLine[served++]?.release();
  waiting = [...inLine.slice(served), ...waiting];
  if (waiting.length > 0) schedule();
}
