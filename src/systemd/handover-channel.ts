// What a process and its successor say to each other: words, one a line, over a socket of which each holds an end; an unknown
// one is ignored, since the two may be of different versions. The kernel closes it with the process, however that ends, so that
// neither waits for one that is gone.

import type { Socket } from 'node:net';

/**
 * In this order, the successor's words marked with `>`: `> prepared` to serve, but for what only one can have; `tickets`, what
 * TLS sessions are resumed by, in detail; `go`, it is yours; `> serving`; `charge`: the service manager listens to you from
 * here on.
 */
export type HandoverWord = 'prepared' | 'tickets' | 'go' | 'serving' | 'charge';

export class HandoverChannel {
  readonly #socket: Socket;
  /** Each word, and what came behind it on its line. */
  readonly #heard = new Map<string, string>();
  readonly #waiting = new Map<string, (heard: boolean) => void>();
  /** Resolves when the other process is gone, or let go of its end. */
  readonly ended: Promise<void>;
  #over = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) this.#hear(line);
    });
    // The end of the other is what it says; how it ended is for what waits for it to say.
    socket.on('error', () => {});
    this.ended = new Promise((resolve) => {
      socket.once('close', () => {
        this.#over = true;
        for (const resolve of this.#waiting.values()) resolve(false);
        this.#waiting.clear();
        resolve();
      });
    });
  }

  /** `detail`: without line feeds. */
  say(word: HandoverWord, detail?: string): void {
    this.#socket.write(detail === undefined ? `${word}\n` : `${word} ${detail}\n`);
  }

  /** What the other said with the word; null where it has not said it. */
  detail(word: HandoverWord): string | null {
    return this.#heard.get(word) ?? null;
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

  #hear(line: string): void {
    const [word = ''] = line.split(' ', 1);
    this.#heard.set(word, line.slice(word.length + 1));
    this.#waiting.get(word)?.(true);
    this.#waiting.delete(word);
  }
}
