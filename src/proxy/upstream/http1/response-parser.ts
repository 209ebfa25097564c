// Answers of instances as they come off the wire, HTTP/1.1 after RFC 9112, no laxer than llhttp in its strict mode: what
// two readers could understand differently (a bare line feed, a folded field, a length beside chunks) is an error.

import {
  FIELD_LINE,
  RESPONSE_HEAD_BYTES_MAX,
  readDigits,
  readFieldLines,
  TOKEN,
  VALUE,
} from '../../fields/field-lines.ts';
import { BORROWED_BYTES_MAX } from '../upstream.ts';
import { type Framing, MalformedResponseError, persists, readFraming } from './framing.ts';

/** Called in this order: information*, head, data*, end. What is handed over is the sink's own, but for short pieces of data. */
export interface ResponseSink {
  /** 1xx but 101, which is not asked for here. */
  onInformation(status: number, fields: string[]): void;
  onHead(status: number, reason: string, fields: string[]): void;
  /** Up to `BORROWED_BYTES_MAX`, and while it lends, it is only to be read during the call. */
  onData(chunk: Buffer): void;
  /** What is fed stays as it is until it is read on. */
  readonly lends?: boolean;
  /** `reusable`: the connection may carry another request. */
  onEnd(trailers: readonly string[], reusable: boolean): void;
}

/** Limit of the line in front of a chunk: its size and extensions, which are not in use. */
const CHUNK_LINE_BYTES_MAX = 4096;
/** Up to here it is not worth while to look for an end first. */
const SHORT_BYTES = 1024;
/** Digits of a chunk's size, which keep it to 2^52 bytes. */
const HEX_DIGITS_MAX = 13;

/** The text that each answer begins with. */
const BEGINNING = 'HTTP/1.';
const FIELD_LINES = `(?:${FIELD_LINE})*`;
const HEAD = new RegExp(`^HTTP/1\\.[01] [1-9]\\d\\d(?: ${VALUE})?\\r\\n${FIELD_LINES}\\r\\n$`);
const TRAILERS = new RegExp(`^${FIELD_LINES}\\r\\n$`);

const NO_FIELDS: readonly string[] = [];
const NOTHING = Buffer.alloc(0);

type State = 'idle' | 'head' | 'length' | 'chunk-line' | 'chunk' | 'chunk-end' | 'trailers' | 'until-close' | 'stopped';

export class ResponseParser {
  readonly #sink: ResponseSink;
  #state: State = 'idle';
  #toHead = false;
  /** What came so far of a head, chunk line or trailers that come in pieces, Latin-1. */
  #pending = '';
  /** Bytes of the body or the chunk still to come. */
  #left = 0;
  /** Data of chunks in what is being fed, not yet passed on. */
  #gathered: Buffer = NOTHING;
  #gatheredBytes = 0;
  #persistent = true;
  /** Seconds of `Keep-Alive: timeout`, NaN without one. */
  #keepAliveSeconds = Number.NaN;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** No answer is awaited: the next byte is one too many. */
  get idle(): boolean {
    return this.#state === 'idle';
  }

  /** How long the instance said it keeps an idle connection, s; NaN: it did not say. */
  get keepAliveSeconds(): number {
    return this.#keepAliveSeconds;
  }

  /** Bytes still to come of a body of known length. */
  get bytesLeft(): number {
    return this.#left;
  }

  /** A request was sent; `toHead`: by HEAD, whose answer has no body even when its fields promise one. */
  begin(toHead: boolean): void {
    this.#state = 'head';
    this.#toHead = toHead;
    this.#persistent = true;
  }

  /** The sink is not called any more. */
  stop(): void {
    this.#state = 'stopped';
  }

  /** `bytes` are only looked at during the call. Throws `MalformedResponseError`. */
  feed(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) at = this.#feedFrom(bytes, at);
    this.#passGathered();
  }

  /** Returns where to go on. */
  #feedFrom(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#feedHead(bytes, at);
      case 'length':
        return this.#feedLength(bytes, at);
      case 'chunk-line':
        return this.#feedChunkLine(bytes, at);
      case 'chunk':
        return this.#feedChunk(bytes, at);
      case 'chunk-end':
        return this.#feedChunkEnd(bytes, at);
      case 'trailers':
        return this.#feedTrailers(bytes, at);
      case 'until-close':
        this.#sink.onData(Buffer.from(bytes.subarray(at)));
        return bytes.length;
      case 'stopped':
        return bytes.length;
      case 'idle':
        throw new MalformedResponseError('bytes behind the end of the answer');
    }
  }

  /** The instance will send no more. True: that is how the answer was to end. */
  finish(): boolean {
    if (this.#state !== 'until-close') return false;
    this.#end(NO_FIELDS, false);
    return true;
  }

  #feedHead(bytes: Buffer, from: number): number {
    const to = this.#takeSection(bytes, from, '\r\n\r\n', RESPONSE_HEAD_BYTES_MAX);
    if (to < 0) {
      // What is no HTTP may never send the end of a head.
      if (!BEGINNING.startsWith(this.#pending.slice(0, BEGINNING.length))) throw notAHead();
      return bytes.length;
    }
    const text = this.#pending;
    this.#pending = '';
    if (!HEAD.test(text)) throw notAHead();
    this.#takeHead(text, to === bytes.length);
    return to;
  }

  /** Collects into `#pending` up to and with `terminator`; the index behind it, or -1 while it is still to come. */
  #takeSection(bytes: Buffer, from: number, terminator: string, bytesMax: number): number {
    const known = this.#pending.length;
    const piece = bytes.toString('latin1', from, searchEnd(bytes, from, terminator));
    const text = known === 0 ? piece : this.#pending + piece;
    const found = text.indexOf(terminator, Math.max(0, known - terminator.length));
    const length = found < 0 ? text.length : found + terminator.length;
    if (length > bytesMax) throw tooLong(this.#state === 'head' ? 'the head' : 'a chunk line', bytesMax);
    this.#pending = found < 0 ? text : text.slice(0, length);
    return found < 0 ? -1 : from + length - known;
  }

  #takeHead(text: string, last: boolean): void {
    const status = readDigits(text.slice(9, 12));
    const lineEnd = text.indexOf('\r\n');
    const fields = readFieldLines(text, lineEnd + 2);
    if (status < 200) {
      if (status === 101) throw new MalformedResponseError('a switch of protocols that was not asked for');
      this.#sink.onInformation(status, fields);
      return;
    }
    const framing = readFraming(fields);
    this.#persistent = persists(text.charCodeAt(7) === ONE, status, framing);
    this.#keepAliveSeconds = framing.keepAliveSeconds;
    const bodiless = this.#toHead || status === 204 || status === 304;
    if (!bodiless && framing.length === null && !framing.chunked) this.#persistent = false;
    this.#state = bodiless ? 'idle' : bodyState(framing);
    this.#left = bodiless ? 0 : (framing.length ?? 0);
    const ends = bodiless || (this.#state === 'length' && this.#left === 0);
    this.#sink.onHead(status, text.slice(13, lineEnd), fields);
    if (ends && !this.#isStopped()) this.#end(NO_FIELDS, last);
  }

  #feedLength(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + this.#left);
    this.#left -= to - from;
    const ends = this.#left === 0;
    const piece = bytes.subarray(from, to);
    this.#sink.onData(piece.length <= BORROWED_BYTES_MAX || this.#sink.lends === true ? piece : Buffer.from(piece));
    if (ends && !this.#isStopped()) this.#end(NO_FIELDS, to === bytes.length);
    return to;
  }

  #feedChunkLine(bytes: Buffer, from: number): number {
    const to = this.#takeSection(bytes, from, '\r\n', CHUNK_LINE_BYTES_MAX);
    if (to < 0) return bytes.length;
    this.#left = chunkSize(this.#pending);
    this.#pending = '';
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
    return to;
  }

  #feedChunk(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + this.#left);
    this.#left -= to - from;
    if (this.#left === 0) this.#state = 'chunk-end';
    this.#gather(bytes, from, to);
    return to;
  }

  /** Chunks that came together go on together: one of a few bytes must not cost a buffer and a write of its own. */
  #gather(bytes: Buffer, from: number, to: number): void {
    const length = to - from;
    if (this.#gatheredBytes > 0 && this.#gatheredBytes + length > this.#gathered.length) this.#passGathered();
    if (this.#gatheredBytes === 0) this.#gathered = Buffer.allocUnsafe(Math.max(length, bytes.length - from));
    bytes.copy(this.#gathered, this.#gatheredBytes, from, to);
    this.#gatheredBytes += length;
  }

  #passGathered(): void {
    const bytes = this.#gatheredBytes;
    if (bytes === 0) return;
    const gathered = this.#gathered;
    this.#gathered = NOTHING;
    this.#gatheredBytes = 0;
    if (!this.#isStopped()) this.#sink.onData(gathered.subarray(0, bytes));
  }

  #feedChunkEnd(bytes: Buffer, from: number): number {
    // The line feed is awaited once the carriage return is there.
    const awaited = this.#pending === '' ? CR : LF;
    if (bytes[from] !== awaited) throw new MalformedResponseError('a chunk is longer than its size');
    this.#pending = awaited === CR ? '\r' : '';
    if (awaited === LF) this.#state = 'chunk-line';
    return from + 1;
  }

  #feedTrailers(bytes: Buffer, from: number): number {
    const known = this.#pending.length;
    const text = this.#pending + latin1(bytes, from);
    // Most often there are none, and the empty line stands alone.
    const found = text.startsWith('\r\n') ? -2 : text.indexOf('\r\n\r\n', Math.max(0, known - 3));
    const ends = found !== -1;
    const length = ends ? found + 4 : text.length;
    if (length > RESPONSE_HEAD_BYTES_MAX) throw tooLong('the trailers', RESPONSE_HEAD_BYTES_MAX);
    if (!ends) {
      this.#pending = text;
      return bytes.length;
    }
    this.#pending = '';
    const section = text.slice(0, length);
    if (!TRAILERS.test(section)) throw new MalformedResponseError('the trailers of the answer are malformed');
    const to = from + length - known;
    this.#end(found === -2 ? NO_FIELDS : readFieldLines(section, 0), to === bytes.length);
    return to;
  }

  /** `last`: nothing came behind the answer. */
  #end(trailers: readonly string[], last: boolean): void {
    this.#passGathered();
    if (this.#isStopped()) return;
    this.#state = 'idle';
    this.#sink.onEnd(trailers, this.#persistent && last);
  }

  #isStopped(): boolean {
    return this.#state === 'stopped';
  }
}

function bodyState({ length, chunked }: Framing): State {
  if (chunked) return 'chunk-line';
  return length === null ? 'until-close' : 'length';
}

/** Extensions (RFC 9112 section 7.1.1) mean nothing here, but must not hide a line feed or worse. */
function chunkSize(line: string): number {
  const match = CHUNK_LINE.exec(line);
  if (match === null) throw new MalformedResponseError('the size of a chunk is malformed');
  return Number.parseInt(match[1] ?? '', 16);
}

const QUOTED = '"(?:[\\t !\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*"';
const CHUNK_LINE = new RegExp(`^([0-9A-Fa-f]{1,${HEX_DIGITS_MAX}})(?:;${TOKEN}(?:=(?:${TOKEN}|${QUOTED}))?)*\\r\\n$`);

/** Where to stop looking: behind the terminator where the rest is long, so that no body is read as text. */
function searchEnd(bytes: Buffer, from: number, terminator: string): number {
  if (bytes.length - from <= SHORT_BYTES) return bytes.length;
  const found = bytes.indexOf(terminator, from, 'latin1');
  return found < 0 ? bytes.length : found + terminator.length;
}

function latin1(bytes: Buffer, from: number): string {
  return bytes.toString('latin1', from);
}

function notAHead(): MalformedResponseError {
  return new MalformedResponseError('the head of the answer is malformed');
}

function tooLong(what: string, bytesMax: number): MalformedResponseError {
  return new MalformedResponseError(`more than ${bytesMax} bytes in ${what} of the answer`);
}

const CR = 13;
const LF = 10;
const ONE = 49;
