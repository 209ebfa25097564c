// The server's half of a stream: an answer. A small one that is whole leaves as one string with its head; what the client's windows
// do not allow yet waits here.

import type { ClientResponse } from '../../exchange/client/message.ts';
import { hasField } from '../../fields/fields.ts';
import type { DataSender } from '../../http2/data-sender.ts';
import { FRAME_BYTES_MAX, frameHeader, headersFrames } from '../../http2/frames.ts';
import { encodeField, encodeFields, encodeStatus } from '../../http2/hpack/encoder.ts';
import { DATA, type DataLink, LAST_DATA, OutgoingData } from '../../http2/outgoing-data.ts';
import { httpDate } from '../http1/http-date.ts';

/** RFC 9110 section 15. HTTP/1 is passed what lies beyond it, HTTP/2 here is not. */
const STATUS_MAX = 599;

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

export class Http2Response implements ClientResponse, DataLink {
  readonly chunkedEncoding = true;
  shouldKeepAlive = true;
  headersSent = false;
  readonly id: number;
  readonly sender: DataSender;
  readonly #link: ResponseLink;
  readonly #data: OutgoingData;
  readonly #toHead: boolean;
  /** Composed, and not yet sent; empty once it is. */
  #head = '';
  #hasBody = true;
  #trailers = '';
  #ended = false;
  #closed = false;
  /** A write returned false. */
  #full = false;
  #onDrain: (() => void) | null = null;

  /** `window`: of the stream at its begin. `toHead`: it answers HEAD. */
  constructor(link: ResponseLink, window: number, toHead: boolean) {
    this.#link = link;
    this.id = link.id;
    this.sender = link.sender;
    this.#data = new OutgoingData(this, window);
    this.#toHead = toHead;
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
    if (chunk.length > 0 && this.#hasBody) this.#data.add(chunk);
    this.#full = !this.#data.isEmpty;
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
    return this.#data.open(increment);
  }

  moved(): void {
    this.#link.moved();
  }

  emptied(ended: boolean): void {
    if (this.#ended) this.#finish(ended);
    else if (this.#full) process.nextTick(drained, this);
  }

  drained(): void {
    if (this.#closed || !this.#data.isEmpty) return;
    this.#full = false;
    this.#onDrain?.();
  }

  /** Nothing more goes out. */
  close(): void {
    this.#closed = true;
    this.#head = '';
    this.#onDrain = null;
    this.#data.drop();
  }

  #fits(bytes: number): boolean {
    const { sender } = this.#link;
    const { isEmpty, window } = this.#data;
    return isEmpty && bytes <= window && bytes <= sender.window && bytes <= FRAME_BYTES_MAX;
  }

  /** Ends the answer with its head and `body`, Latin-1, in one string. */
  #endAtOnce(body: string): void {
    const { id, sender } = this.#link;
    this.#data.window -= body.length;
    sender.window -= body.length;
    this.#ended = true;
    const data = frameHeader(body.length, this.#trailers === '' ? LAST_DATA : DATA, id) + body;
    this.#say(this.#takeHead(false) + data);
    this.#finish(this.#trailers === '');
  }

  #endWith(chunk: Buffer): void {
    this.flushHeaders();
    this.#ended = true;
    this.#data.endsWithLast = this.#trailers === '';
    this.#data.add(chunk);
  }

  /** What is left goes first. An answer that is only a head ends with it: what gRPC calls trailers-only. */
  #endBehind(): void {
    this.#ended = true;
    this.#data.endsWithLast = this.#trailers === '';
    if (!this.#data.isEmpty) return;
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

function drained(response: Http2Response): void {
  response.drained();
}
