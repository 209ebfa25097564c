// What a socket brings to node's parser, in slices. A parser takes each read as a whole, however long its chunks of a byte keep it:
// here a read goes on in a later turn of the event loop once its share (loop-share.ts) is used up, and its socket is not read.

import type { Socket } from 'node:net';
import { LoopShare } from './loop-share.ts';

/** Some 350 chunks of a byte, which are parsed in 1 ms. */
const SLICE_BYTES = 2048;

/** From now on; `first`: what was read before, and comes in front. `socket` must be node's own server's by now. */
export function sliceReads(socket: Socket, first: readonly Buffer[]): void {
  const reads = new SlicedReads(socket);
  socket.push = (chunk: Buffer | null): boolean => reads.take(chunk);
  // Node's parser reads from the kernel itself until another listener is there.
  socket.on('data', () => {});
  if (first.length > 0) reads.begin(first);
}

class SlicedReads {
  readonly #socket: Socket;
  readonly #push: (chunk: Buffer | null) => boolean;
  readonly #read: (size: number) => void;
  readonly #share = new LoopShare(() => this.#goOn());
  /** The stream asked for more while something waits. */
  #asked = false;
  /** Null: the end. */
  #waiting: (Buffer | null)[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#push = socket.push.bind(socket);
    this.#read = socket._read.bind(socket);
    // A stream that passes something on asks its source for more in the tick behind, and not again before more came.
    socket._read = (size) => {
      this.#asked = this.#waiting.length > 0;
      if (!this.#asked) this.#read(size);
    };
    socket.on('resume', () => {
      if (this.#waiting.length > 0) this.#share.wait();
    });
  }

  /** False: no more for now. */
  take(chunk: Buffer | null): boolean {
    if (this.#waiting.length === 0) return this.#pass(chunk);
    this.#waiting.push(chunk);
    return false;
  }

  /** Once the socket flows: what it is given before, it keeps, and hands out all at once. */
  begin(first: readonly Buffer[]): void {
    this.#waiting.push(...first);
    process.nextTick(() => this.#goOn());
  }

  /** What waits goes on, and the socket is read again once nothing does. While it is paused it would only collect what comes. */
  #goOn(): void {
    if (this.#socket.isPaused()) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [index, chunk] of waiting.entries()) {
      this.#pass(chunk);
      if (this.#waiting.length === 0) continue;
      this.#waiting.push(...waiting.slice(index + 1));
      return;
    }
    const socket = this.#socket;
    const asked = this.#asked || socket.readableLength < socket.readableHighWaterMark;
    this.#asked = false;
    if (asked && !socket.destroyed) this.#read(0);
  }

  #pass(chunk: Buffer | null): boolean {
    if (chunk === null) return this.#push(null);
    let more = true;
    for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
      if (this.#share.usedUp || this.#socket.isPaused()) {
        this.#waiting.push(at === 0 ? chunk : chunk.subarray(at));
        this.#share.wait();
        return false;
      }
      const startMs = performance.now();
      more = this.#push(at === 0 && chunk.length <= SLICE_BYTES ? chunk : chunk.subarray(at, at + SLICE_BYTES));
      this.#share.use(performance.now() - startMs);
    }
    return more;
  }
}
