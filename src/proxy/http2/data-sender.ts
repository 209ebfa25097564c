// DATA frames of one connection on their way to its peer, within its windows (RFC 9113 section 5.2): a frame of each stream in
// turn, and no more than the socket takes.

import { FRAME_BYTES_MAX, WINDOW_BYTES, WINDOW_BYTES_MAX } from './frames.ts';
import type { Output } from './output.ts';

/** A stream with bytes to be sent. */
export interface DataSource {
  /** Its own window allows a byte, and it has one. */
  readonly sendable: boolean;
  /** Sends a frame of up to `bytesMax`; returns how many bytes of the window it takes. */
  sendData(bytesMax: number): number;
}

/** Sends the data of one connection. */
export class DataSender {
  readonly output: Output;
  /** What the peer has room for, on all streams together. */
  window = WINDOW_BYTES;
  /** Streams with bytes to send, in the order of their turns. */
  readonly #waiting = new Set<DataSource>();
  #sending = false;

  constructor(output: Output) {
    this.output = output;
  }

  /** RFC 9113 section 6.9. False: beyond what a window can be. */
  open(increment: number): boolean {
    this.window += increment;
    if (this.window > WINDOW_BYTES_MAX) return false;
    this.send();
    return true;
  }

  /** Adds a stream that has bytes now, or room for them. */
  add(source: DataSource): void {
    this.#waiting.add(source);
    this.send();
  }

  remove(source: DataSource): void {
    this.#waiting.delete(source);
  }

  /** Sends as much as the windows allow. */
  send(): void {
    // What a source has to say may bring another one, before it is known how much of the window is left.
    if (this.#sending) return;
    this.#sending = true;
    try {
      // One that is added behind the others while they are gone through has its turn as well.
      for (const source of this.#waiting) {
        if (this.window <= 0 || this.output.blocked) return;
        this.#waiting.delete(source);
        if (!source.sendable) continue;
        const bytes = source.sendData(Math.min(FRAME_BYTES_MAX, this.window));
        this.window -= bytes;
        if (source.sendable) this.#waiting.add(source);
      }
    } finally {
      this.#sending = false;
    }
  }
}
