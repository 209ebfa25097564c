// The server's half of a stream: an answer. A small one that is whole leaves as one string with its head; what the client's windows
// do not allow yet waits here.

import type { ClientResponse } from '../../exchange/client/message.ts';
import { hasField } from '../../fields/fields.ts';
import { httpDate } from '../http1/http-date.ts';
import type { DataSender, DataSource } from './data-sender.ts';
import { Flag, FRAME_BYTES_MAX, FrameType, frameHeader, headersFrames, kindOf, WINDOW_BYTES_MAX } from './frames.ts';
import { encodeField, encodeFields, encodeStatus } from './hpack/encoder.ts';

/** RFC 9110 section 15. HTTP/1 is passed what lies beyond it, HTTP/2 here is not. */
const STATUS_MAX = 599;
const DATA = kindOf(FrameType.data, 0);
const LAST_DATA = kindOf(FrameType.data, Flag.endStream);

/** What an answer needs of its stream. */
export interface ResponseLink {
  readonly id: number;
  readonly sender: DataSender;
  /** A piece of the answer went out. */
  moved(): void;
  /** The block as it is sent; the first of a connection says more. */
  blockOf(fields: string): string;
  /** All of it went out. */
  answered(): void;
}

export class Http2Response implements ClientResponse, DataSource {
  readonly chunkedEncoding = true;
  shouldKeepAlive = true;
  headersSent = false;
  readonly #link: ResponseLink;
  readonly #toHead: boolean;
  /** What the client has room for; below zero where it changed its mind (RFC 9113 section 6.9.2). */
  #window: number;
  /** Composed, and not yet sent; empty once it is. */
  #head = '';
  #hasBody = true;
  #trailers = '';
  #pieces: Buffer[] = [];
  /** Of the first piece, sent. */
  #sentBytes = 0;
  #ended = false;
  #closed = false;
  /** A write returned false. */
  #full = false;
  #onDrain: (() => void) | null = null;

  /** `window`: of the stream at its begin. `toHead`: it answers HEAD. */
  constructor(link: ResponseLink, window: number, toHead: boolean) {
    this.#link = link;
    this.#window = window;
    this.#toHead = toHead;
  }

  get sendable(): boolean {
    return this.#pieces.length > 0 && this.#window > 0;
  }

  /** The reason phrase is gone in HTTP/2 (RFC 9113 section 8.3.2). Throws for a status that must not be passed on. */
  writeHead(status: number, reasonOrFields: string | string[], fieldsOrNothing: string[] = []): void {
    if (status < 200 || status > STATUS_MAX) throw new Error(`invalid status ${status}`);
    const fields = typeof reasonOrFields === 'string' ? fieldsOrNothing : reasonOrFields;
    let block = encodeStatus(status) + encodeFields(fields);
    if (!hasField(fields, 'date')) block += encodeField('date', httpDate());
    this.#head = block;
    // RFC 9110 section 6.4.1: a body of our own, where the answer to GET would have one, does not follow.
    this.#hasBody = !this.#toHead && status !== 204 && status !== 304;
    this.headersSent = true;
  }

  flushHeaders(): void {
    this.#say(this.#takeHead(false));
  }

  write(chunk: Buffer): boolean {
    if (this.#closed || this.#ended) return true;
    this.flushHeaders();
    if (chunk.length > 0 && this.#hasBody) {
      this.#pieces.push(chunk);
      this.#link.sender.add(this);
    }
    this.#full = this.#pieces.length > 0;
    return !this.#full;
  }

  end(chunk: Buffer | string = '', encoding: 'latin1' | 'utf8' = 'utf8'): void {
    if (this.#closed || this.#ended) return;
    if (chunk.length === 0 || !this.#hasBody) this.#endBehind();
    else if (typeof chunk !== 'string') this.#endWith(chunk);
    else if (encoding === 'latin1' && this.#fits(chunk.length)) this.#endAtOnce(chunk);
    else this.#endWith(Buffer.from(chunk, encoding));
  }

  addTrailers(trailers: [string, string][]): void {
    this.#trailers = encodeFields(trailers.flat());
  }

  writeContinue(): void {
    this.writeInformation(100, []);
  }

  writeInformation(status: number, fields: string[]): void {
    if (this.headersSent || this.#closed) return;
    const block = this.#link.blockOf(encodeStatus(status) + encodeFields(fields));
    this.#say(headersFrames(block, this.#link.id, false));
  }

  on(_event: 'drain', listener: () => void): void {
    this.#onDrain = listener;
  }

  /** RFC 9113 section 6.9. False: beyond what a window can be. */
  open(increment: number): boolean {
    this.#window += increment;
    if (this.#window > WINDOW_BYTES_MAX) return false;
    if (this.sendable) this.#link.sender.add(this);
    return true;
  }

  sendData(bytesMax: number): number {
    const piece = this.#pieces[0] ?? NOTHING;
    const left = piece.length - this.#sentBytes;
    const length = Math.min(left, bytesMax, this.#window);
    const payload = length === piece.length ? piece : piece.subarray(this.#sentBytes, this.#sentBytes + length);
    this.#sentBytes += length;
    this.#window -= length;
    if (length === left) {
      this.#pieces.shift();
      this.#sentBytes = 0;
    }
    const over = this.#pieces.length === 0;
    const last = over && this.#ended && this.#trailers === '';
    const { id, sender } = this.#link;
    sender.output.sayBytes(frameHeader(length, last ? LAST_DATA : DATA, id), payload);
    this.#link.moved();
    if (!over) return length;
    if (this.#ended) this.#finish(last);
    else if (this.#full) process.nextTick(drained, this);
    return length;
  }

  drained(): void {
    if (this.#closed || this.#pieces.length > 0) return;
    this.#full = false;
    this.#onDrain?.();
  }

  /** Nothing more goes out. */
  close(): void {
    this.#closed = true;
    this.#head = '';
    this.#onDrain = null;
    if (this.#pieces.length === 0) return;
    this.#pieces = [];
    this.#link.sender.remove(this);
  }

  #fits(bytes: number): boolean {
    const { sender } = this.#link;
    return this.#pieces.length === 0 && bytes <= this.#window && bytes <= sender.window && bytes <= FRAME_BYTES_MAX;
  }

  /** With its head, in one string; Latin-1. */
  #endAtOnce(body: string): void {
    const { id, sender } = this.#link;
    this.#window -= body.length;
    sender.window -= body.length;
    this.#ended = true;
    const data = frameHeader(body.length, this.#trailers === '' ? LAST_DATA : DATA, id) + body;
    this.#say(this.#takeHead(false) + data);
    this.#finish(this.#trailers === '');
  }

  #endWith(chunk: Buffer): void {
    this.flushHeaders();
    this.#ended = true;
    this.#pieces.push(chunk);
    this.#link.sender.add(this);
  }

  /** What is left goes first. An answer that is only a head ends with it: what gRPC calls trailers-only. */
  #endBehind(): void {
    this.#ended = true;
    if (this.#pieces.length > 0) return;
    const ends = this.#head !== '' && this.#trailers === '';
    this.#say(this.#takeHead(ends));
    this.#finish(ends);
  }

  /** `ended`: the client knows. */
  #finish(ended: boolean): void {
    const { id } = this.#link;
    if (!ended && this.#trailers === '') this.#say(frameHeader(0, LAST_DATA, id));
    else if (!ended) this.#say(headersFrames(this.#link.blockOf(this.#trailers), id, true));
    this.#link.answered();
  }

  /** Not of a stream that is closed: the first block of a connection must go out (`blockOf`). */
  #takeHead(endStream: boolean): string {
    const head = this.#head;
    this.#head = '';
    return head === '' || this.#closed ? '' : headersFrames(this.#link.blockOf(head), this.#link.id, endStream);
  }

  #say(text: string): void {
    if (text === '' || this.#closed) return;
    this.#link.moved();
    this.#link.sender.output.say(text);
  }
}

const NOTHING = Buffer.alloc(0);

function drained(response: Http2Response): void {
  response.drained();
}
