// Whether an archive (ZIP), packets of film (MPEG-TS), a GIF, a PDF or a message of Protocol Buffers is whole, and is one at all.

import { LastBytes } from './last-bytes.ts';
import { TextStart } from './page-start.ts';

/** The record that ends an archive (APPNOTE 6.3.10, section 4.3.16), and so many bytes of it with the length of the comment behind it. */
const ARCHIVE_END = Buffer.from('PK\x05\x06', 'latin1');
const RECORD_BYTES = 22;
/** Some programs write a line end behind it. */
const BEHIND_BYTES_MAX = 2;
const ARCHIVE_BEGIN = 'PK';

/** The last record of the end is followed by its comment alone; an archive within one has one as well. */
export class ArchiveEnd {
  readonly truncated = false;
  #begin = '';
  /** The last bytes: a record may lie across pieces. */
  #tail = Buffer.alloc(0);
  #bytes = 0;
  /** Where the last record with its comment ends; -1: none came. */
  #end = -1;
  /** Behind its last byte that is no zero: some programs fill it up. */
  #filledTo = 0;

  take(chunk: Buffer): void {
    if (this.#begin.length < ARCHIVE_BEGIN.length) {
      this.#begin += chunk.toString('latin1', 0, ARCHIVE_BEGIN.length - this.#begin.length);
    }
    const seam = Buffer.concat([this.#tail, chunk.subarray(0, RECORD_BYTES - 1)]);
    this.#look(seam, this.#bytes - this.#tail.length);
    if (chunk.length >= RECORD_BYTES) this.#look(chunk, this.#bytes);
    let at = chunk.length;
    while (at > 0 && chunk[at - 1] === 0) at--;
    if (at > 0) this.#filledTo = this.#bytes + at;
    this.#bytes += chunk.length;
    const last = chunk.length >= RECORD_BYTES ? chunk : seam;
    this.#tail = Buffer.from(last.subarray(-RECORD_BYTES + 1));
  }

  /** A program that unpacks itself may stand before an archive. */
  get isForeign(): boolean {
    return this.#bytes > 0 && this.#begin !== ARCHIVE_BEGIN && this.#end < 0;
  }

  get isUnfinished(): boolean {
    if (this.#bytes === 0) return false;
    return this.#end < 0 || this.#end > this.#bytes || this.#end < this.#filledTo - BEHIND_BYTES_MAX;
  }

  /** `from`: where the bytes stand in the body. */
  #look(bytes: Buffer, from: number): void {
    const at = bytes.lastIndexOf(ARCHIVE_END);
    if (at < 0 || at + RECORD_BYTES > bytes.length) return;
    this.#end = from + at + RECORD_BYTES + bytes.readUInt16LE(at + RECORD_BYTES - 2);
  }
}

/** As they are, with a time before each (of recorders: four bytes), with a code for corrections behind each. */
const PACKET_BYTES: readonly number[] = [188, 192, 204, 208];
const TIME_BYTES = 4;
/** The first byte of a packet. */
const SYNC = 'G';

/** ISO/IEC 13818-1, section 2.4.3: packets of one length, each of which begins with the same byte. A film may be joined within one. */
export class PacketsEnd extends TextStart {
  #bytes = 0;

  override take(chunk: Buffer): void {
    super.take(chunk);
    this.#bytes += chunk.length;
  }

  get isUnfinished(): boolean {
    const isInStep = this.start[0] === SYNC || this.start[TIME_BYTES] === SYNC;
    return isInStep && PACKET_BYTES.every((bytes) => this.#bytes % bytes !== 0);
  }
}

/** How a format begins, not far from its first byte, and what stands at its end. */
interface Marks {
  readonly begin: string;
  readonly end: string;
}

/** The end stands behind the last block (GIF 89a, section 27). */
export const GIF: Marks = { begin: 'GIF8', end: '\0;' };
/** The end stands in the last bytes (ISO 32000-1, annex H.3.4.4). */
export const PDF: Marks = { begin: '%PDF', end: '%%EOF' };
/** Programs look for it in so many of the last bytes. */
const MARK_BYTES = 1024;

/** Ends with a mark, behind which a little may follow, or zeros. What begins as another format is not judged. */
export class MarkEnd extends TextStart {
  readonly #marks: Marks;
  readonly #last = new LastBytes(MARK_BYTES);
  /** Zeros that came last. */
  #zeros = 0;

  constructor(marks: Marks) {
    super();
    this.#marks = marks;
  }

  override take(chunk: Buffer): void {
    super.take(chunk);
    let to = chunk.length;
    while (to > 0 && chunk[to - 1] === 0) to--;
    if (to > 0) {
      this.#last.take(Buffer.alloc(Math.min(this.#zeros, MARK_BYTES)));
      this.#last.take(chunk.subarray(0, to));
      this.#zeros = 0;
    }
    this.#zeros += chunk.length - to;
  }

  get isUnfinished(): boolean {
    return this.start.includes(this.#marks.begin) && !this.#last.text.includes(this.#marks.end);
  }
}

/** Wire types: a varint, eight bytes, a length and so many bytes, four bytes. Groups, which begin and end without a length, are not read. */
const WIRE_VARINT = 0;
const WIRE_LENGTH = 2;
const FIXED_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 8],
  [5, 4],
]);
const WIRE_GROUP = 3;
const VARINT_BYTES_MAX = 10;
/** A message has at most so many. */
const MESSAGE_BYTES_MAX = 2 ** 31;

/** Fields, each with a tag and its value (protobuf.dev, "Encoding"): a message ends behind one. */
export class MessageEnd {
  readonly truncated = false;
  isForeign = false;
  #place: 'tag' | 'varint' | 'length' | 'bytes' | 'unknown' = 'tag';
  /** The varint that is read: its value, and how much of it came. */
  #value = 0;
  #varintBytes = 0;
  /** Bytes still to come of the value of a field. */
  #bytesLeft = 0;

  take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && !this.isForeign && this.#place !== 'unknown'; ) {
      if (this.#place === 'bytes') {
        const bytes = Math.min(this.#bytesLeft, chunk.length - at);
        at += bytes;
        this.#skip(this.#bytesLeft - bytes);
      } else this.#takeByte(chunk[at++] ?? 0);
    }
  }

  get isUnfinished(): boolean {
    if (this.isForeign || this.#place === 'unknown') return false;
    return this.#place !== 'tag' || this.#varintBytes > 0;
  }

  #takeByte(byte: number): void {
    this.#value += (byte & 0x7f) * 2 ** (7 * this.#varintBytes);
    this.#varintBytes++;
    if (byte >= 0x80) {
      this.isForeign = this.#varintBytes === VARINT_BYTES_MAX;
      return;
    }
    const value = this.#value;
    this.#value = 0;
    this.#varintBytes = 0;
    if (this.#place === 'tag') this.#takeTag(value);
    else if (this.#place === 'length') {
      this.isForeign = value > MESSAGE_BYTES_MAX;
      this.#skip(value);
    } else this.#place = 'tag';
  }

  #takeTag(tag: number): void {
    const wire = tag % 8;
    if (tag < 8) this.isForeign = true;
    else if (wire === WIRE_VARINT) this.#place = 'varint';
    else if (wire === WIRE_LENGTH) this.#place = 'length';
    else if (wire === WIRE_GROUP) this.#place = 'unknown';
    else if (FIXED_BYTES.has(wire)) this.#skip(FIXED_BYTES.get(wire) ?? 0);
    else this.isForeign = true;
  }

  #skip(bytes: number): void {
    this.#bytesLeft = bytes;
    this.#place = bytes > 0 ? 'bytes' : 'tag';
  }
}
