// The marks of a picture in JPEG (ITU-T T.81, annex B) or PNG: how it begins, and what stands at its end. What is compressed in JPEG never
// has the mark of the end within it. Behind the end some cameras write more.

interface Marks {
  readonly begin: Buffer;
  readonly end: Buffer;
}

const JPEG: Marks = { begin: Buffer.from('ffd8ff', 'hex'), end: Buffer.from('ffd9', 'hex') };
/** The last chunk is empty and has a checksum. */
const PNG: Marks = { begin: Buffer.from('89504e470d0a1a0a', 'hex'), end: Buffer.from('49454e44ae426082', 'hex') };
const MARKS: ReadonlyMap<string, Marks> = new Map([
  ['image/jpeg', JPEG],
  ['image/jpg', JPEG],
  ['image/png', PNG],
]);

/** The mark of the end is in so many bytes at the end. */
const TAIL_BYTES = 4096;

/** Null: it is no picture of a known kind. */
export function pictureEndOf(contentType: string): PictureEnd | null {
  const [type = ''] = contentType.toLowerCase().split(';');
  const marks = MARKS.get(type.trim());
  return marks === undefined ? null : new PictureEnd(marks);
}

/** Reads a picture as it comes. */
export class PictureEnd {
  /** A program shows what there is of a picture. */
  readonly truncated = false;
  readonly #marks: Marks;
  #head = Buffer.alloc(0);
  /** What may be the beginning of a mark of the end. */
  #last = Buffer.alloc(0);
  #bytes = 0;
  /** Where the last mark of an end ends. */
  #endsAt = Number.NEGATIVE_INFINITY;

  constructor(marks: Marks) {
    this.#marks = marks;
  }

  take(chunk: Buffer): void {
    const { begin, end } = this.#marks;
    const missing = begin.length - this.#head.length;
    if (missing > 0) this.#head = Buffer.concat([this.#head, chunk.subarray(0, missing)]);
    const across = Buffer.concat([this.#last, chunk.subarray(0, end.length - 1)]);
    this.#look(across, this.#bytes - this.#last.length);
    const from = Math.max(0, chunk.length - TAIL_BYTES);
    this.#look(chunk.subarray(from), this.#bytes + from);
    this.#bytes += chunk.length;
    const last = chunk.length < end.length ? Buffer.concat([this.#last, chunk]) : chunk;
    this.#last = Buffer.from(last.subarray(1 - end.length));
  }

  /** By its beginning it is no picture of its type. */
  get isForeign(): boolean {
    return this.#bytes > 0 && !this.#head.equals(this.#marks.begin);
  }

  get isUnfinished(): boolean {
    return this.#bytes > 0 && !this.isForeign && this.#bytes - this.#endsAt > TAIL_BYTES;
  }

  #look(bytes: Buffer, at: number): void {
    const { end } = this.#marks;
    const found = bytes.lastIndexOf(end);
    if (found >= 0) this.#endsAt = at + found + end.length;
  }
}
