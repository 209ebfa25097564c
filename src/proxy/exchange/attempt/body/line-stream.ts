// How a stream of JSON texts (NDJSON, JSON Lines) begins, and its last line. Each ends with a line feed; a last one without it is put up with,
// as readers do, where it is whole.

import { isRecord, tellsError } from './error-text.ts';
import { firstText, isJsonText, JSON_BEGINNINGS, readJson } from './json-text.ts';
import { LastBytes } from './last-bytes.ts';

const LF = 10;
/** A longer last line is not judged. */
const LINE_BYTES_MAX = 65_536;
/** A description of an error that is longer is not read. */
const TAIL_BYTES = 1024;
const SAYS_OVER = /"done" ?: ?true/;
const GOES_ON = /"done" ?: ?false/;

/** Reads a stream of JSON texts as it comes. */
export class LineStream {
  /** A stream may stop after any line. */
  readonly truncated = false;
  /** The last line, in one piece: an instance may send it byte by byte. */
  #line = Buffer.alloc(0);
  #bytes = 0;
  readonly #tail = new LastBytes(TAIL_BYTES);
  #first = 0;
  #isEmpty = true;

  take(chunk: Buffer): void {
    if (chunk.length > 0) this.#isEmpty = false;
    this.#tail.take(chunk);
    if (this.#first === 0) this.#first = firstText(chunk);
    const from = chunk.lastIndexOf(LF) + 1;
    if (from > 0) this.#bytes = 0;
    const bytes = this.#bytes + chunk.length - from;
    if (bytes <= LINE_BYTES_MAX) {
      if (bytes > this.#line.length) this.#grow(bytes);
      chunk.copy(this.#line, this.#bytes, from);
    }
    this.#bytes = bytes;
  }

  /** It begins with no JSON text, or is white space alone. */
  get isHollow(): boolean {
    return !this.#isEmpty && !JSON_BEGINNINGS.has(this.#first);
  }

  /** The last line broke off, or says that it failed. */
  get isUnfinished(): boolean {
    if (this.#bytes <= LINE_BYTES_MAX && !isJsonText(this.#line.subarray(0, this.#bytes))) return true;
    const text = this.#lastText;
    return !isRecord(text) && tellsError(readJson(Buffer.from(text, 'latin1'))?.value);
  }

  /** The last line says that the stream is over, as those of language models do. */
  get isOver(): boolean {
    return SAYS_OVER.test(this.#lastText);
  }

  /** Only a last line that says that there is more lacks the end: streams of another kind, of the same service, say neither. */
  get saysWhy(): boolean {
    return !GOES_ON.test(this.#lastText);
  }

  /** The last line that is not blank, or the end of it. */
  get #lastText(): string {
    return this.#tail.text.trimEnd().split('\n').at(-1) ?? '';
  }

  #grow(bytes: number): void {
    const line = Buffer.alloc(Math.min(LINE_BYTES_MAX, 2 * bytes));
    this.#line.copy(line, 0, 0, this.#bytes);
    this.#line = line;
  }
}
