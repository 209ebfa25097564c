// What one connection has to say. All that becomes due in a turn of the event loop leaves in one write at its end: heads and small
// bodies of many streams, as instances answer them, are one packet then.

import type { Socket } from 'node:net';
import { endOfTurn } from '../../net/loop-share.ts';

/** Text that waits for a peer which does not read; beyond it, a client is not read any more either. */
const TEXT_MAX = 64 * 1024;

/** What one connection sends; `say` and `sayBytes` keep their order. */
export class Output {
  readonly #socket: Socket;
  #text = '';
  #corked = false;
  #due = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** The peer does not keep up: `drain` of the socket follows. */
  get blocked(): boolean {
    return this.#socket.writableNeedDrain || this.#text.length > TEXT_MAX;
  }

  /** Frames, a character a byte. */
  say(text: string): void {
    this.#text += text;
    this.#becomeDue();
  }

  /** A frame whose payload is not copied; it must stay as it is. */
  sayBytes(header: string, payload: Buffer): void {
    const socket = this.#socket;
    if (!this.#corked) {
      this.#corked = true;
      socket.cork();
    }
    socket.write(this.#text + header, 'latin1');
    this.#text = '';
    socket.write(payload);
    this.#becomeDue();
  }

  /** Writes out what was said so far. */
  flush(): void {
    this.#due = false;
    const text = this.#text;
    const socket = this.#socket;
    this.#text = '';
    if (text !== '' && socket.writable) socket.write(text, 'latin1');
    if (!this.#corked) return;
    this.#corked = false;
    socket.uncork();
  }

  #becomeDue(): void {
    if (this.#due) return;
    this.#due = true;
    endOfTurn(() => this.flush());
  }
}
