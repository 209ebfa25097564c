// A plain request and the answer to it, on the socket itself: what node:http's classes do for the request path, without
// streams, events or header objects.

import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ClientRequest, ClientResponse } from '../../exchange/client/message.ts';
import { FieldKind, FieldTable } from '../../fields/fields.ts';
import { holdWrites } from '../../held-writes.ts';
import type { FastRequestHead } from './fast-request-head.ts';
import { httpDate } from './http-date.ts';

/** What a request and its answer need of their connection. */
export interface PlainLink {
  readonly socket: Socket;
  /** The client's body should wait, or go on. */
  pauseBody(): void;
  resumeBody(): void;
  /** The answer is handed over whole; `closes`: it was the last. */
  answered(closes: boolean): void;
}

const NO_TRAILERS: readonly string[] = [];

export class FastRequest implements ClientRequest {
  readonly httpVersion = '1.1';
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly rawTrailers = NO_TRAILERS;
  readonly #link: PlainLink;
  #bytesLeft: number;
  #onData: ((chunk: Buffer) => void) | null = null;
  #onEnd: (() => void) | null = null;

  constructor(link: PlainLink, head: FastRequestHead) {
    this.#link = link;
    this.method = head.method;
    this.url = head.target;
    this.rawHeaders = head.rawHeaders;
    this.#bytesLeft = head.contentLength;
  }

  /** Bytes of the body still to come from the client. */
  get bytesLeft(): number {
    return this.#bytesLeft;
  }

  on(_event: 'data', listener: (chunk: Buffer) => void): void {
    this.#onData = listener;
  }

  once(_event: 'end', listener: () => void): void {
    this.#onEnd = listener;
  }

  pause(): void {
    if (this.#bytesLeft > 0) this.#link.pauseBody();
  }

  resume(): void {
    if (this.#bytesLeft > 0) this.#link.resumeBody();
  }

  /** The next bytes of the body, no more than are left of it. */
  push(chunk: Buffer): void {
    this.#bytesLeft -= chunk.length;
    this.#onData?.(chunk);
    if (this.#bytesLeft === 0) this.#onEnd?.();
  }
}

const FRAMING = new FieldTable({
  connection: FieldKind.connection,
  'content-length': FieldKind.contentLength,
  date: FieldKind.date,
});
const VALID_REASON = /^[\t\x20-\x7e\x80-\xff]*$/;

export class FastResponse implements ClientResponse {
  headersSent = false;
  chunkedEncoding = false;
  shouldKeepAlive: boolean;
  readonly #link: PlainLink;
  readonly #toHead: boolean;
  /** Composed, and not yet written; empty once it is. */
  #head = '';
  #hasBody = true;
  #trailers = '';
  #ended = false;
  #onDrain: (() => void) | null = null;
  #onWritten: (() => void) | null = null;

  constructor(link: PlainLink, head: FastRequestHead) {
    this.#link = link;
    this.#toHead = head.method === 'HEAD';
    this.shouldKeepAlive = head.keepAlive;
  }

  /** Throws for a status or a reason that must not be passed on. */
  writeHead(status: number, reasonOrFields: string | string[], fieldsOrNothing: string[] = []): void {
    const fields = typeof reasonOrFields === 'string' ? fieldsOrNothing : reasonOrFields;
    const reason = typeof reasonOrFields === 'string' ? reasonOrFields : (STATUS_CODES[status] ?? '');
    if (status < 200 || status > 999 || !(reason === 'OK' || VALID_REASON.test(reason)))
      throw new Error(`invalid status ${status} ${reason}`);
    let head = `HTTP/1.1 ${status} ${reason}\r\n`;
    let framed = false;
    let dated = false;
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const name = fields[i] ?? '';
      const value = fields[i + 1] ?? '';
      const kind = FRAMING.kindOf(name);
      if (kind === FieldKind.contentLength) framed = true;
      else if (kind === FieldKind.date) dated = true;
      else if (kind === FieldKind.connection) {
        if (value.toLowerCase() === 'close') this.shouldKeepAlive = false;
        continue;
      }
      head += `${name}: ${value}\r\n`;
    }
    if (!dated) head += `Date: ${httpDate()}\r\n`;
    this.#hasBody = !this.#toHead && status !== 204 && status !== 304;
    this.chunkedEncoding = this.#hasBody && !framed;
    if (this.chunkedEncoding) head += 'Transfer-Encoding: chunked\r\n';
    this.#head = `${head}Connection: ${this.shouldKeepAlive ? 'keep-alive' : 'close'}\r\n\r\n`;
    this.headersSent = true;
  }

  flushHeaders(): void {
    const head = this.#takeHead();
    if (head !== '') this.#link.socket.write(head, 'latin1');
  }

  write(chunk: Buffer): boolean {
    const { socket } = this.#link;
    if (this.#ended || !this.#hasBody || chunk.length === 0) {
      this.flushHeaders();
      return true;
    }
    socket.cork();
    const before = this.chunkedEncoding ? `${this.#takeHead()}${chunk.length.toString(16)}\r\n` : this.#takeHead();
    if (before !== '') socket.write(before, 'latin1');
    socket.write(chunk);
    if (this.chunkedEncoding) socket.write('\r\n', 'latin1');
    socket.uncork();
    return !socket.writableNeedDrain;
  }

  lend(chunk: Buffer): boolean {
    const { socket } = this.#link;
    const isPlain = !this.chunkedEncoding && this.#hasBody && !this.#ended && !('encrypted' in socket);
    if (!isPlain) return this.write(Buffer.from(chunk));
    this.flushHeaders();
    this.#onWritten ??= () => {
      if (socket.writableLength === 0) this.drained();
    };
    socket.write(chunk, this.#onWritten);
    // Else the system did not take all of it, and the rest is still to be written from there.
    return socket.writableLength === 0;
  }

  end(chunk: Buffer | string = '', encoding: 'latin1' | 'utf8' = 'utf8'): void {
    if (this.#ended) return;
    if (typeof chunk === 'string') {
      this.#endWith(encoding === 'latin1' ? chunk : Buffer.from(chunk, encoding).toString('latin1'));
      return;
    }
    const { socket } = this.#link;
    socket.cork();
    this.write(chunk);
    this.#endWith('');
    socket.uncork();
  }

  /** `body`: the rest of it, Latin-1. It leaves with everything else that is left in one write. */
  #endWith(body: string): void {
    this.#ended = true;
    let text = this.#takeHead();
    if (this.chunkedEncoding) {
      if (body !== '') text += `${body.length.toString(16)}\r\n${body}\r\n`;
      text += `0\r\n${this.#trailers}\r\n`;
    } else if (this.#hasBody) {
      text += body;
    }
    if (text !== '') {
      const { socket } = this.#link;
      if (this.shouldKeepAlive) holdWrites(socket);
      socket.write(text, 'latin1');
    }
    this.#link.answered(!this.shouldKeepAlive);
  }

  addTrailers(trailers: [string, string][]): void {
    for (const [name, value] of trailers) this.#trailers += `${name}: ${value}\r\n`;
  }

  writeContinue(): void {
    this.writeInformation(100, []);
  }

  writeInformation(status: number, fields: string[]): void {
    if (this.headersSent) return;
    let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
    for (let i = 0; i + 1 < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
    this.#link.socket.write(`${text}\r\n`, 'latin1');
  }

  on(_event: 'drain', listener: () => void): void {
    this.#onDrain = listener;
  }

  /** The client caught up. */
  drained(): void {
    this.#onDrain?.();
  }

  #takeHead(): string {
    const head = this.#head;
    this.#head = '';
    return head;
  }
}
