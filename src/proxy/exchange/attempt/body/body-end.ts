// Whether a body came to its own end. An instance that loses its source in the middle may still close its framing in order; what it
// sent is cut off all the same, and the marks of its format say so. Nothing is decompressed here (body-checks.ts).

import { isStreamType } from '../../../../core/verdict/measure.ts';
import { remembered } from '../../../fields/remembered.ts';
import { ArchiveEnd, GIF, MarkEnd, MessageEnd, PacketsEnd, PDF } from './binary-end.ts';
import { EventStream } from './event-stream.ts';
import { firstText, isText, JSON_BEGINNINGS } from './json-text.ts';
import { LineStream } from './line-stream.ts';
import { PageStart, TextStart } from './page-start.ts';
import { pictureEndOf } from './picture-end.ts';
import { PictureStream } from './picture-stream.ts';
import { ZstdEnd } from './zstd-end.ts';

/** A gzip member ends with a checksum and its length before compression, modulo 2^32 (RFC 1952 section 2.3.1). */
const GZIP_BYTES_MIN = 18;
const GZIP_LENGTH_BYTES = 4;
/** And a line end. */
const GZIP_LAST_BYTES = GZIP_LENGTH_BYTES + 2;
/** Deflate makes at most so many bytes out of one: a length beyond that is no length but the middle of the data. */
const DEFLATE_RATIO_MAX = 1032;

/** Reads a body as it comes. */
export interface BodyEnd {
  take(chunk: Buffer): void;
  /** Once the framing has ended. */
  readonly truncated: boolean;
  /** Whether its beginning shows another format than its head names. */
  readonly isForeign?: boolean;
  /** It has bytes, and nothing in them that its client could use. */
  readonly isHollow?: boolean;
  /** Its last event, line or picture broke off, or says that it failed. */
  readonly isUnfinished?: boolean;
}

/** Messages of Connect have a prefix. */
const JSON_TYPE = /^application\/(?!connect\+)(?:[\w.-]+\+)?json[\t ]*(?:;|$)/i;

export const isJsonType = remembered((contentType) => JSON_TYPE.test(contentType));

const XML_TYPE = /^(?:(?:application|text)\/xml|(?:application|image)\/[\w.-]+\+xml)[\t ]*(?:;|$)/i;

/** JSON texts, one a line. */
const LINES_TYPE = /^application\/(?:x-ndjson|ndjson|jsonl|stream\+json)[\t ]*(?:;|$)/i;

/** Null for a body whose format does not mark its end. Fields as they came. */
export function bodyEndOf(contentType: string, contentEncoding: string): BodyEnd | null {
  if (contentEncoding !== '') {
    const coding = outermostOf(contentEncoding);
    if (coding === 'gzip' || coding === 'x-gzip') return new GzipEnd();
    if (coding === 'zstd') return new ZstdEnd();
    if (coding !== 'identity') return null;
  }
  return makerOf(contentType)();
}

const HTML_TYPE = /^(?:text\/html|application\/xhtml\+xml)\b/i;
const ARCHIVE_TYPE = /^application\/(?:x-)?zip(?:-compressed)?[\t ]*(?:;|$)/i;
const GIF_TYPE = /^image\/gif[\t ]*(?:;|$)/i;
const PDF_TYPE = /^application\/pdf[\t ]*(?:;|$)/i;
const PACKETS_TYPE = /^video\/mp2t[\t ]*(?:;|$)/i;
/** One message; several have their lengths before them, which a parameter says. */
const MESSAGE_TYPE = /^application\/(?:x-|vnd\.google\.)?protobuf[\t ]*(?:;(?!.*delimited)|$)/i;
/** And lists of addresses; those of Microsoft are in XML, as is a drawing. */
const MEDIA_TYPE =
  /^(?:(?:image|audio|video)\/(?!x-ms-|svg)|application\/(?:vnd\.apple|x)[.-]mpegurl)[\w.-]*[\t ]*(?:;|$)/i;
/** A message whose fields all have their usual values has no bytes (protobuf.dev, "Encoding"). */
export const isMessageType = remembered((contentType) => MESSAGE_TYPE.test(contentType));

/** Whether a page that a format without an end may turn out to be is none of its type. */
export const mayHidePage = remembered((contentType) => !HTML_TYPE.test(contentType));

const nothing = (): null => null;

/** Makes what reads a body of this type. */
const makerOf = remembered((contentType): (() => BodyEnd | null) => {
  if (LINES_TYPE.test(contentType)) return () => new LineStream();
  if (JSON_TYPE.test(contentType)) return () => new BracketEnd(JSON_BEGINNINGS);
  if (XML_TYPE.test(contentType)) return () => new BracketEnd(XML_BEGINNINGS);
  if (/^text\/event-stream\b/i.test(contentType)) return () => new EventStream();
  if (!/^multipart\//i.test(contentType)) {
    return pictureEndOf(contentType) === null ? plainMakerOf(contentType) : () => pictureEndOf(contentType);
  }
  const match = /;[\t ]*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  if (match === null) return nothing;
  const boundary = match[1] ?? match[2] ?? '';
  return isStreamType(contentType) ? () => new PictureStream(boundary) : () => new MultipartEnd(boundary);
});

/** Returns what makes the check of a type's end or, where it has none, of its beginning; `nothing` for no check. */
function plainMakerOf(contentType: string): () => BodyEnd | null {
  if (ARCHIVE_TYPE.test(contentType)) return () => new ArchiveEnd();
  if (PACKETS_TYPE.test(contentType)) return () => new PacketsEnd();
  if (GIF_TYPE.test(contentType)) return () => new MarkEnd(GIF);
  if (PDF_TYPE.test(contentType)) return () => new MarkEnd(PDF);
  if (MESSAGE_TYPE.test(contentType)) return () => new MessageEnd();
  // Its messages are read elsewhere (grpc-messages.ts).
  if (/^application\/grpc\b/i.test(contentType)) return nothing;
  if (MEDIA_TYPE.test(contentType)) return () => new TextStart();
  return mayHidePage(contentType) ? () => new PageStart() : nothing;
}

/** Codings are listed in the order in which they were applied (RFC 9110 section 8.4). */
export function outermostOf(contentEncoding: string): string {
  if (contentEncoding === '') return 'identity';
  const codings = contentEncoding.toLowerCase().split(',');
  return (
    codings.map((coding) => coding.trim()).findLast((coding) => coding !== '' && coding !== 'identity') ?? 'identity'
  );
}

class GzipEnd implements BodyEnd {
  #bytes = 0;
  #last = Buffer.alloc(0);

  take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    const last = chunk.length >= GZIP_LAST_BYTES ? chunk : Buffer.concat([this.#last, chunk]);
    this.#last = Buffer.from(last.subarray(-GZIP_LAST_BYTES));
  }

  get truncated(): boolean {
    if (this.#bytes === 0) return false;
    return this.#bytes < GZIP_BYTES_MIN || !(this.#mayEnd(0) || this.#mayEnd(lineEndOf(this.#last)));
  }

  /** Whether a body may end with so many bytes behind its end. */
  #mayEnd(behind: number): boolean {
    const at = this.#last.length - GZIP_LENGTH_BYTES - behind;
    return this.#last.readUInt32LE(at) <= DEFLATE_RATIO_MAX * this.#bytes;
  }
}

const LF = 10;
const CR = 13;

/** Its bytes, of a line end that a script left behind what it compressed. */
function lineEndOf(last: Buffer): number {
  if (last.at(-1) !== LF) return 0;
  return last.at(-2) === CR ? 2 : 1;
}

const XML_BEGINNINGS: ReadonlySet<number> = new Set(Buffer.from('<\xef\xfe\xff', 'latin1'));
const OPENINGS: ReadonlySet<number> = new Set(Buffer.from('{[<'));
/** What leads from the code of an opening bracket to that of its closing one. */
const CLOSING = 2;

/**
 * An object or an array (RFC 8259), or a document of XML: it ends with the bracket that belongs to its first. Other texts may end
 * anywhere.
 */
class BracketEnd implements BodyEnd {
  readonly #beginnings: ReadonlySet<number>;
  #first = 0;
  #last = 0;
  #isEmpty = true;

  constructor(beginnings: ReadonlySet<number>) {
    this.#beginnings = beginnings;
  }

  take(chunk: Buffer): void {
    if (chunk.length > 0) this.#isEmpty = false;
    if (this.#first === 0) this.#first = firstText(chunk);
    let at = chunk.length - 1;
    while (at >= 0 && !isText(chunk[at])) at--;
    if (at >= 0) this.#last = chunk[at] ?? 0;
  }

  /** White space alone. */
  get isHollow(): boolean {
    return this.#first === 0 && !this.#isEmpty;
  }

  /** It is of no text of its type at all (RFC 8259 section 2, XML 1.0 section 2.1). */
  get isForeign(): boolean {
    return this.#first !== 0 && !this.#beginnings.has(this.#first);
  }

  get truncated(): boolean {
    return OPENINGS.has(this.#first) && !this.isForeign && this.#last !== this.#first + CLOSING;
  }
}

/** What is shorter is the end of a line. */
const PART_BYTES_MIN = 3;

class MultipartEnd implements BodyEnd {
  readonly #closing: Buffer;
  #tail = Buffer.alloc(0);
  #bytesBefore = 0;
  truncated = true;

  constructor(boundary: string) {
    this.#closing = Buffer.from(`--${boundary}--`, 'latin1');
  }

  /** The closing delimiter is the first. */
  get isHollow(): boolean {
    return !this.truncated && this.#bytesBefore < PART_BYTES_MIN;
  }

  /** What stands behind the closing delimiter means nothing (RFC 2046 section 5.1.1). */
  take(chunk: Buffer): void {
    if (!this.truncated) return;
    const bytes = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]);
    const at = bytes.indexOf(this.#closing);
    this.truncated = at < 0;
    this.#bytesBefore += at < 0 ? chunk.length : at - this.#tail.length;
    this.#tail = Buffer.from(bytes.subarray(-(this.#closing.length - 1)));
  }
}
