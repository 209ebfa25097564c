// What a client that speaks HTTP/2 sends, on its way to node's session: frame by frame, since the session says too little and too
// late. DATA frames of a few bytes are put together, so that a flood of them costs what its bytes cost. A head must be whole in
// time. Its fields are counted: node drops those that it finds malformed without a word. What the session says goes past the guard
// (write-straight.ts).

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { LoopShare } from '../../../net/loop-share.ts';
import { DATA, FrameReader, isHead } from './frame-reader.ts';
import { HeaderBlock } from './header-block.ts';
import { mergeData } from './merge-data.ts';

const NOTHING = Buffer.alloc(0);
/** That are read at once: a millisecond's work or two. */
const FRAMES_MAX = 256;
/** Small DATA frames in one read that are not worth while to put together. */
const SMALL_FRAMES_MAX = 16;
/** What a head is taken to cost, ms: node hands its request out in a tick behind, so that it is not seen here. */
const HEAD_MS = 0.15;
/** DATA frames below this are small. */
const SMALL_BYTES = 1024;

export class FrameGuard extends Duplex {
  readonly #socket: Socket;
  readonly #headersTimeoutMs: number;
  readonly #frames = new FrameReader();
  readonly #block = new HeaderBlock();
  #headTimer: NodeJS.Timeout | null = null;
  readonly #share = new LoopShare(() => this.#goOn());
  /** Came in while the share was used up. */
  #waiting: Buffer = NOTHING;
  #ended = false;

  /**
   * Takes the socket, and outlives it until it is destroyed itself. A head, and the client's preface, must be whole within
   * `headersTimeoutMs`.
   */
  constructor(socket: Socket, headersTimeoutMs: number) {
    super();
    this.#socket = socket;
    this.#headersTimeoutMs = headersTimeoutMs;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#onEnd());
    socket.on('error', () => socket.destroy());
    // A session that cannot write pauses: what it is given then, it would take all at once.
    this.on('resume', () => {
      if (this.#waiting.length === 0) return;
      if (this.#share.usedUp) this.#share.wait();
      else this.#goOn();
    });
    this.#awaitHead(true);
  }

  /** Fields in the head, or the trailers, of the stream that came whole last; NaN when it is not known. Once. */
  takeFieldCount(streamId: number): number {
    return this.#block.takeCount(streamId);
  }

  override _read(): void {
    if (!this.#waits) this.#socket.resume();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.#headTimer !== null) clearTimeout(this.#headTimer);
    this.#socket.destroy();
    done(error);
  }

  #onData(chunk: Buffer): void {
    if (this.#waits) this.#waiting = Buffer.concat([this.#waiting, chunk]);
    else this.#take(chunk);
  }

  #onEnd(): void {
    this.#ended = true;
    if (!this.#waits) this.push(null);
  }

  get #waits(): boolean {
    return this.#waiting.length > 0;
  }

  #goOn(): void {
    if (this.destroyed || this.isPaused()) return;
    const waiting = this.#waiting;
    this.#waiting = NOTHING;
    this.#take(waiting);
    if (this.#waits) return;
    if (this.#ended) this.push(null);
    else if (this.readableLength < this.readableHighWaterMark) this.#socket.resume();
  }

  #take(bytes: Buffer): void {
    let unread = bytes;
    while (unread.length > 0 && !this.destroyed) {
      if (this.#share.usedUp || this.isPaused()) {
        this.#waiting = unread;
        this.#socket.pause();
        this.#share.wait();
        return;
      }
      const startMs = performance.now();
      const heads = this.#pass(unread);
      unread = this.#frames.unread;
      this.#share.use(performance.now() - startMs + heads * HEAD_MS);
    }
  }

  /** Returns how many heads went on. */
  #pass(chunk: Buffer): number {
    const frames = this.#frames.read(chunk, FRAMES_MAX);
    const { whole } = this.#frames;
    let small = 0;
    let heads = 0;
    // The head that was awaited is whole: what is awaited now has its own time.
    let next = frames.length > 0 && !this.#block.open;
    for (const frame of frames) {
      if (isHead(frame.type)) {
        heads++;
        this.#block.add(frame, whole);
        next ||= !this.#block.open;
      } else if (frame.type === DATA && frame.payloadBytes < SMALL_BYTES) small++;
    }
    if (next) this.#awaitHead(false);
    this.#awaitHead(this.#frames.awaitsHead || this.#block.open);
    const ready = this.#frames.ready;
    if (ready === 0) return heads;
    const bytes = whole.subarray(0, ready);
    if (!this.push(small > SMALL_FRAMES_MAX ? mergeData(bytes, frames) : bytes)) this.#socket.pause();
    return heads;
  }

  #awaitHead(awaits: boolean): void {
    if (awaits) {
      this.#headTimer ??= setTimeout(destroy, this.#headersTimeoutMs, this.#socket).unref();
    } else if (this.#headTimer !== null) {
      clearTimeout(this.#headTimer);
      this.#headTimer = null;
    }
  }
}

function destroy(socket: Socket): void {
  socket.destroy();
}
