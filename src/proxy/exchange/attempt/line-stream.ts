// The last line of a stream of JSON texts (NDJSON, JSON Lines). Each ends with a line feed; a last one without it is put up with, as readers
// do, where it is whole.

import { isJsonText } from './json-text.ts';

const LF = 10;
/** Of a longer last line nothing is said. */
const LINE_BYTES_MAX = 65_536;

export class LineStream {
  /** A stream may stop after any line. */
  readonly truncated = false;
  #line: Buffer[] = [];
  #bytes = 0;

  take(chunk: Buffer): void {
    const from = chunk.lastIndexOf(LF) + 1;
    if (from > 0) {
      this.#line = [];
      this.#bytes = 0;
    }
    this.#bytes += chunk.length - from;
    if (this.#bytes > LINE_BYTES_MAX) this.#line = [];
    // A copy: what is passed on may be a slice of a buffer that is used again.
    else if (from < chunk.length) this.#line.push(Buffer.from(chunk.subarray(from)));
  }

  /** The last line broke off. */
  get isUnfinished(): boolean {
    return this.#bytes <= LINE_BYTES_MAX && !isJsonText(Buffer.concat(this.#line));
  }
}
