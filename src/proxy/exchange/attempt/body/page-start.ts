// Whether a body that names another type begins as a page of HTML, or in place of sound, a picture or a film as text: what a portal or a server
// in between says in the name of the instance. A look at the first bytes.

/** As pages begin that programs write; others begin with a comment, or are no document. */
const PAGES: readonly string[] = ['<!doctype html', '<html>', '<html ', '<html\n', '<html\r', '<html\t'];
const BYTES_MAX = 14;
/** As many may stand before it: more of them are text. */
const BLANKS_MAX = 1024;
const START_CHARS = 16;
const TEXT = /^(?:<[a-z!?][a-z-]|\{\s*["}])/i;
const EMPTY_LIST = /^(?:\xef\xbb\xbf)?#EXTM3U\s*$/;
/** White space of HTML, and a byte order mark. */
const BLANKS: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0c, 0x0d, 0x20, 0xef, 0xbb, 0xbf]);

/** Whether a text begins as a page. */
export function isPage(body: Buffer): boolean {
  const start = new PageStart();
  start.take(body.subarray(0, BLANKS_MAX + BYTES_MAX));
  return start.isForeign;
}

export class PageStart {
  readonly truncated = false;
  #start = '';
  #blanks = 0;
  #isKnown = false;

  take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && !this.#isKnown; at++) this.#takeByte(chunk[at] ?? 0);
  }

  get isForeign(): boolean {
    return PAGES.includes(this.#start);
  }

  #takeByte(byte: number): void {
    if (this.#start === '' && BLANKS.has(byte)) {
      this.#isKnown = ++this.#blanks > BLANKS_MAX;
      return;
    }
    this.#start += String.fromCharCode(byte).toLowerCase();
    this.#isKnown = this.isForeign || !PAGES.some((page) => page.startsWith(this.#start));
  }
}

/**
 * The beginning of what should be no text and is, or a list of addresses: it begins with a tag, or with an object of JSON. Samples of sound may
 * have any first byte.
 */
export class TextStart {
  readonly truncated = false;
  protected start = '';

  take(chunk: Buffer): void {
    if (this.start.length < START_CHARS) this.start += chunk.toString('latin1', 0, START_CHARS - this.start.length);
  }

  get isForeign(): boolean {
    return TEXT.test(this.start);
  }

  /** A list of addresses with none (RFC 8216 section 4.3.1.1). */
  get isHollow(): boolean {
    return this.start.length < START_CHARS && EMPTY_LIST.test(this.start);
  }
}
