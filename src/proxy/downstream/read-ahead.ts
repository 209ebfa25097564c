// Reads on from a client whose handshake is under way: a client that leaves is noticed only by reading, and what it sends
// ahead of the answer is kept for the other end.

import type { Socket } from 'node:net';
import { KeptBytes } from '../kept-bytes.ts';

const BYTES_MAX = 64 * 1024;

export class ReadAhead {
  readonly #socket: Socket;
  readonly #kept = new KeptBytes();
  readonly #onData = (chunk: Buffer): void => {
    this.#kept.add(chunk);
    if (this.#kept.length > BYTES_MAX) this.#socket.pause();
  };
  readonly #onEnd = (): void => {
    this.#socket.destroy();
  };

  /** `first`: what has been read already. */
  constructor(socket: Socket, first: Buffer) {
    this.#socket = socket;
    if (first.length > 0) this.#kept.add(first);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.resume();
  }

  /** Leaves the socket paused. All that was read. */
  stop(): Buffer {
    this.#socket.pause();
    this.#socket.removeListener('data', this.#onData);
    this.#socket.removeListener('end', this.#onEnd);
    return this.#kept.whole();
  }
}
