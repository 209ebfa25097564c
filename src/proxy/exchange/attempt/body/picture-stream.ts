// The pictures of a stream (multipart/x-mixed-replace, as cameras send it): a line of dashes, a head, and as many bytes as its Content-Length
// says. Without a length nothing is said of a picture, and what is written otherwise is not read: cameras take liberties.

const LF = 10;
/** The most that a delimiter and the head behind it have. */
const HEAD_BYTES_MAX = 8192;

type Place = 'between' | 'head' | 'picture' | 'not-read' | 'over';

/** Reads a stream of pictures as it comes. */
export class PictureStream {
  /** A stream may stop after any picture. */
  readonly truncated = false;
  /** The first byte of a picture came, or of what is not read. */
  begun = false;
  readonly #closing: string;
  #place: Place = 'between';
  #line = '';
  #headBytes = 0;
  /** Bytes still to come of the picture; -1: its head does not say. */
  #bytesLeft = -1;

  constructor(boundary: string) {
    this.#closing = `${withoutDashes(boundary)}--`;
  }

  take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && this.#place !== 'over'; ) {
      if (this.#place === 'between' || this.#place === 'head') {
        at = this.#takeText(chunk, at);
        continue;
      }
      this.begun = true;
      if (this.#place === 'not-read') return;
      const bytes = Math.min(this.#bytesLeft, chunk.length - at);
      this.#bytesLeft -= bytes;
      at += bytes;
      if (this.#bytesLeft === 0) this.#goTo('between');
    }
  }

  /** The last picture broke off. */
  get isUnfinished(): boolean {
    return this.#place === 'picture';
  }

  /** Delimiters and heads alone. */
  get isHollow(): boolean {
    return !this.begun;
  }

  #goTo(place: Place): void {
    this.#place = place;
    this.#line = '';
    if (place === 'between') this.#headBytes = 0;
  }

  /** Up to the end of the line. Returns where that is. */
  #takeText(chunk: Buffer, from: number): number {
    const lineEnd = chunk.indexOf(LF, from);
    const to = lineEnd < 0 ? chunk.length : lineEnd + 1;
    this.#headBytes += to - from;
    if (this.#headBytes > HEAD_BYTES_MAX) {
      this.#goTo('not-read');
      return from;
    }
    this.#line += chunk.toString('latin1', from, to);
    if (this.#place === 'between' && !/^[-\r\n]/.test(this.#line)) {
      this.#goTo('not-read');
      return from;
    }
    if (lineEnd >= 0) this.#takeLine(this.#line.trimEnd());
    return to;
  }

  #takeLine(line: string): void {
    this.#line = '';
    if (this.#place === 'between') {
      if (line === '') return;
      this.#bytesLeft = -1;
      // What follows the last delimiter means nothing (RFC 2046 section 5.1.1).
      this.#goTo(withoutDashes(line) === this.#closing ? 'over' : 'head');
    } else if (line === '') {
      if (this.#bytesLeft === 0) this.#goTo('between');
      else this.#goTo(this.#bytesLeft > 0 ? 'picture' : 'not-read');
    } else {
      const [, bytes] = /^content-length[\t ]*:[\t ]*(\d{1,15})$/i.exec(line) ?? [];
      if (bytes !== undefined) this.#bytesLeft = Number(bytes);
    }
  }
}

/** Some name their boundary with the dashes that stand before it. */
const withoutDashes = (line: string): string => line.replace(/^-+/, '');
