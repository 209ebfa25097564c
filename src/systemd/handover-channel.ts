// What a process and its successor say to each other: single words, one a line, over a socket of which each holds an end.
// The kernel closes it with the process, however that ends, so that neither waits for one that is gone.

import type { Socket } from 'node:net';

/**
 * In this order, the successor's words marked with `>`: `> prepared` to serve, but for what only one can have; `go`, it is
 * yours; `> serving`; `charge`: the service manager listens to you from here on.
 */
export type HandoverWord = 'prepared' | 'go' | 'serving' | 'charge';

export class HandoverChannel {
  readonly #socket: Socket;
  readonly #heard = new Set<string>();
  readonly #waiting = new Map<string, (heard: boolean) => void>();
  /** Resolves when the other process is gone, or let go of its end. */
  readonly ended: Promise<void>;
  #over = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
      const words = text.split('\n');
      text = words.pop() ?? '';
      for (const word of words) this.#hear(word);
    });
    // The end of the other is what it says; how it ended is for what waits for it to say.
    socket.on('error', () => {});
    this.ended = new Promise((resolve) => {
      socket.once('close', () => {
        this.#over = true;
        for (const settle of this.#waiting.values()) settle(false);
        this.#waiting.clear();
        resolve();
      });
    });
  }

  say(word: HandoverWord): void {
    this.#socket.write(`${word}\n`);
  }

  /** True once the other has said it; false when it ended without. One listener a word. */
  heard(word: HandoverWord): Promise<boolean> {
    if (this.#heard.has(word)) return Promise.resolve(true);
    if (this.#over) return Promise.resolve(false);
    return new Promise((resolve) => this.#waiting.set(word, resolve));
  }

  /** Keeps this process no longer: what was said still arrives. */
  leave(): void {
    this.#socket.end();
    this.#socket.unref();
  }

  close(): void {
    this.#socket.destroy();
  }

  #hear(word: string): void {
    this.#heard.add(word);
    this.#waiting.get(word)?.(true);
    this.#waiting.delete(word);
  }
}
