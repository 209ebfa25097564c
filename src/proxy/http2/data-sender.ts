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

/** Of one connection. */
export class DataSender {
  readonly output: Output;
  /** Of the connection; what the peer has room for. */
  window = WINDOW_BYTES;
  /** In the order of their turns. */
  #waiting: DataSource[] = [];

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

  /** Has bytes now, or room for them. */
  add(source: DataSource): void {
    if (!this.#waiting.includes(source)) this.#waiting.push(source);
    this.send();
  }

  remove(source: DataSource): void {
    const index = this.#waiting.indexOf(source);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  /** As much as goes. */
  send(): void {
    while (this.#waiting.length > 0 && this.window > 0 && !this.output.blocked) {
      const source = this.#waiting.shift();
      if (source?.sendable !== true) continue;
      this.window -= source.sendData(Math.min(FRAME_BYTES_MAX, this.window));
      if (source.sendable) this.#waiting.push(source);
    }
  }
}
