// The events of a stream (WHATWG HTML, "Server-sent events"): lines of fields, and a blank line behind each event. Comments keep a connection
// alive and say nothing: a stream has begun with its first field. What was not ended by a blank line never reaches the client's program.

const LF = 10;
const CR = 13;
const COLON = 0x3a;
/** Of a byte order mark, which may stand before the first line. */
const MARK: readonly number[] = [0xef, 0xbb, 0xbf];

export class EventStream {
  /** An event is a stream's affair: it may stop after any. */
  readonly truncated = false;
  /** A field came. */
  begun = false;
  /** An event is whole. */
  #hasEvent = false;
  #bytes = 0;
  #atLineStart = true;
  #afterCr = false;
  #isComment = false;

  take(chunk: Buffer): void {
    if (this.#hasEvent) return;
    for (const byte of chunk) this.#takeByte(byte);
  }

  get isHollow(): boolean {
    return this.#bytes > 0 && !this.#hasEvent;
  }

  #takeByte(byte: number): void {
    if (MARK[this.#bytes++] === byte) return;
    const endsCrLf = byte === LF && this.#afterCr;
    this.#afterCr = byte === CR;
    if (endsCrLf) return;
    if (byte === LF || byte === CR) {
      if (this.#atLineStart && this.begun) this.#hasEvent = true;
      this.#atLineStart = true;
      this.#isComment = false;
      return;
    }
    if (this.#atLineStart) this.#isComment = byte === COLON;
    this.#atLineStart = false;
    if (!this.#isComment) this.begun = true;
  }
}
