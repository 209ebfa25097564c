// One stream of HTTP/2 in the clothes of an HTTP/1 request and its answer, so that the request path exists once. What
// HTTP/2 says by other means (authority, end of stream) is said here as the fields that the request path reads.

import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { ClientRequest, ClientResponse } from '../../exchange/client/message.ts';
import { hasField } from '../../fields/fields.ts';
import { http2Fields } from '../../fields/http2-fields.ts';
import type { StreamTimer } from './stream-timer.ts';

export class Http2Request implements ClientRequest {
  readonly httpVersion = '2';
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  rawTrailers: readonly string[] = [];
  readonly #stream: ServerHttp2Stream;
  readonly #timer: StreamTimer;

  /** `rawHeaders` as the `stream` event gives them, pseudo-header fields included. `timer` learns what moves. */
  constructor(stream: ServerHttp2Stream, rawHeaders: readonly string[], timer: StreamTimer) {
    const { method, path, authority, fields } = readPseudo(rawHeaders);
    this.#stream = stream;
    this.#timer = timer;
    this.method = method;
    this.url = path;
    if (authority !== null) takeAuthority(fields, authority);
    // RFC 9113 section 8.1: the body ends with the stream at any length.
    if (!stream.endAfterHeaders && !hasField(fields, 'content-length')) fields.push('Transfer-Encoding', 'chunked');
    this.rawHeaders = fields;
    stream.on('trailers', (_trailers: unknown, _flags: unknown, raw?: readonly string[]) => {
      this.rawTrailers = raw ?? [];
    });
  }

  on(event: 'data', listener: (chunk: Buffer) => void): void {
    this.#stream.on(event, (chunk: Buffer) => {
      this.#timer.moved();
      listener(chunk);
    });
  }

  once(event: 'end', listener: () => void): void {
    this.#stream.once(event, listener);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }
}

/** RFC 9110 section 15. HTTP/1 is passed what lies beyond it, HTTP/2 here is not. */
const STATUS_MAX = 599;

export class Http2Response implements ClientResponse {
  readonly chunkedEncoding = true;
  shouldKeepAlive = true;
  readonly #stream: ServerHttp2Stream;
  #head: OutgoingHttpHeaders | null = null;
  /** What the client still sends is of no interest. */
  #closes = false;
  #trailers: [string, string][] = [];
  readonly #timer: StreamTimer;

  constructor(stream: ServerHttp2Stream, timer: StreamTimer) {
    this.#stream = stream;
    this.#timer = timer;
    stream.on('wantTrailers', () => {
      if (!isOver(stream)) stream.sendTrailers(http2Fields(this.#trailers.flat()));
    });
  }

  get headersSent(): boolean {
    return this.#stream.headersSent;
  }

  /** The reason phrase is gone in HTTP/2 (RFC 9113 section 8.3.2). Throws for a status that node:http2 would refuse later. */
  writeHead(status: number, reason: string | string[], fields: string[] = []): void {
    if (status < 200 || status > STATUS_MAX) throw new Error(`invalid status ${status}`);
    const raw = typeof reason === 'string' ? fields : reason;
    this.#closes = raw.some((name, index) => name === 'Connection' && raw[index + 1] === 'close');
    this.#head = { ...http2Fields(raw), [constants.HTTP2_HEADER_STATUS]: status };
  }

  flushHeaders(): void {
    this.#respond(false);
  }

  write(chunk: Buffer): boolean {
    this.#timer.moved();
    this.#respond(false);
    return this.#stream.write(chunk);
  }

  end(chunk?: Buffer | string, encoding?: 'latin1'): void {
    const empty = chunk === undefined || chunk.length === 0;
    // An answer that is only a head ends with it: what gRPC calls trailers-only.
    this.#respond(empty && this.#trailers.length === 0);
    const stream = this.#stream;
    // RFC 9113 section 8.1: an answer before the whole request.
    if (this.#closes && !stream.readableEnded) stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
    if (stream.writableEnded || isOver(stream)) return;
    if (empty) stream.end();
    else stream.end(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
  }

  addTrailers(trailers: [string, string][]): void {
    this.#trailers = trailers;
  }

  writeContinue(): void {
    this.writeInformation(constants.HTTP_STATUS_CONTINUE, []);
  }

  writeInformation(status: number, fields: string[]): void {
    if (this.headersSent || isOver(this.#stream)) return;
    this.#stream.additionalHeaders({ ...http2Fields(fields), [constants.HTTP2_HEADER_STATUS]: status });
  }

  on(event: 'drain', listener: () => void): void {
    this.#stream.on(event, () => {
      this.#timer.moved();
      listener();
    });
  }

  #respond(endStream: boolean): void {
    const head = this.#head;
    if (head === null || isOver(this.#stream) || this.headersSent) return;
    this.#head = null;
    this.#stream.respond(head, endStream ? { endStream } : { waitForTrailers: true });
  }
}

/** The client reset it: a write to it would throw. */
function isOver(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed;
}

/** RFC 9113 section 8.3.1: it stands for Host. One that says otherwise stays beside it, and two are one too many. */
function takeAuthority(fields: string[], authority: string): void {
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (fields[i] === 'host' && fields[i + 1]?.toLowerCase() === authority.toLowerCase()) return;
  }
  fields.push('Host', authority);
}

interface Pseudo {
  readonly method: string;
  readonly path: string;
  readonly authority: string | null;
  readonly fields: string[];
}

function readPseudo(raw: readonly string[]): Pseudo {
  const pseudo = new Map<string, string>();
  const fields: string[] = [];
  const cookies: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const value = raw[i + 1] ?? '';
    if (name.startsWith(':')) pseudo.set(name, value);
    else if (name === 'cookie') cookies.push(value);
    else fields.push(name, value);
  }
  // RFC 9113 section 8.2.3: crumbs are put together before they leave HTTP/2.
  if (cookies.length > 0) fields.push('cookie', cookies.join('; '));
  return {
    method: pseudo.get(':method') ?? '',
    path: pseudo.get(':path') ?? '',
    authority: pseudo.get(':authority') ?? null,
    fields,
  };
}
