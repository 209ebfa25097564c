// Bytes of a pipe as lines. One that is too long is cut: a command that never ends its line costs no memory.

import { StringDecoder } from 'node:string_decoder';

const LINE_CHARS_MAX = 4_096;

/** Calls back with each line that is not empty. */
export class LineReader {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #line = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  feed(chunk: Buffer): void {
    const [rest = '', ...more] = this.#decoder.write(chunk).split('\n');
    this.#add(rest);
    for (const piece of more) {
      const line = this.#line.trim();
      this.#line = '';
      this.#add(piece);
      if (line !== '') this.#onLine(line);
    }
  }

  #add(piece: string): void {
    this.#line += piece.slice(0, LINE_CHARS_MAX - this.#line.length);
  }
}
