// What a client that speaks HTTP/2 sends, on its way to node's session: frame by frame, since the session says too little and too
// late. DATA frames of a few bytes are put together, so that a flood of them costs what its bytes cost. A head must be whole in
// time. Its fields are counted: node drops those that it finds malformed without a word. What the session says goes past the guard
// (write-straight.ts).

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { DATA, FrameReader, isHead } from './frame-reader.ts';
import { HeaderBlock } from './header-block.ts';
import { mergeData } from './merge-data.ts';

/** Small DATA frames in one read that are not worth while to put together. */
const SMALL_FRAMES_MAX = 16;
/** DATA frames below this are small. */
const SMALL_BYTES = 1024;

export class FrameGuard extends Duplex {
  readonly #socket: Socket;
  readonly #headersTimeoutMs: number;
  readonly #frames = new FrameReader();
  readonly #block = new HeaderBlock();
  #headTimer: NodeJS.Timeout | null = null;
  /** A flood is here: others get their turn before it is read on. */
  #rests = false;

  /** Takes the socket. A head, and the client's preface, must be whole within `headersTimeoutMs`. */
  constructor(socket: Socket, headersTimeoutMs: number) {
    super();
    this.#socket = socket;
    this.#headersTimeoutMs = headersTimeoutMs;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
    this.#awaitHead(true);
  }

  /** Fields in the head, or the trailers, of the stream that came whole last; NaN when it is not known. Once. */
  takeFieldCount(streamId: number): number {
    return this.#block.takeCount(streamId);
  }

  override _read(): void {
    if (!this.#rests) this.#socket.resume();
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
    const frames = this.#frames.read(chunk);
    const { whole } = this.#frames;
    let small = 0;
    // The head that was awaited is whole: what is awaited now has its own time.
    let next = frames.length > 0 && !this.#block.open;
    for (const frame of frames) {
      if (isHead(frame.type)) {
        this.#block.add(frame, whole);
        next ||= !this.#block.open;
      } else if (frame.type === DATA && frame.payloadBytes < SMALL_BYTES) small++;
    }
    if (next) this.#awaitHead(false);
    this.#awaitHead(this.#frames.awaitsHead || this.#block.open);
    const ready = this.#frames.ready;
    if (ready === 0) return;
    const bytes = whole.subarray(0, ready);
    const flood = small > SMALL_FRAMES_MAX;
    if (flood) this.#rest();
    if (!this.push(flood ? mergeData(bytes, frames) : bytes)) this.#socket.pause();
  }

  #rest(): void {
    this.#rests = true;
    this.#socket.pause();
    setImmediate(() => {
      this.#rests = false;
      if (!this.destroyed && this.readableLength < this.readableHighWaterMark) this.#socket.resume();
    });
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
