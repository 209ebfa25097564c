// One stream of HTTP/2 in the clothes of an HTTP/1 request and its answer, so that the request path exists once. What
// HTTP/2 says by other means (authority, end of stream) is said here as the fields that the request path reads.

import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { ClientRequest, ClientResponse } from './client-message.ts';
import { hasField } from './fields.ts';
import { http2Fields } from './http2-fields.ts';

/** RFC 8297; `http2.constants` has no name for it. */
const EARLY_HINTS = 103;

export class Http2Request implements ClientRequest {
  readonly httpVersion = '2';
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  rawTrailers: readonly string[] = [];
  readonly #stream: ServerHttp2Stream;

  /** `rawHeaders` as the `stream` event gives them, pseudo-header fields included. */
  constructor(stream: ServerHttp2Stream, rawHeaders: readonly string[]) {
    const { method, path, authority, fields } = readPseudo(rawHeaders);
    this.#stream = stream;
    this.method = method;
    this.url = path;
    if (authority !== null && !hasField(fields, 'host')) fields.push('Host', authority);
    // RFC 9113 section 8.1: the body ends with the stream, whatever its length.
    if (!stream.endAfterHeaders && !hasField(fields, 'content-length')) fields.push('Transfer-Encoding', 'chunked');
    this.rawHeaders = fields;
    stream.on('trailers', (_trailers: unknown, _flags: unknown, raw?: readonly string[]) => {
      this.rawTrailers = raw ?? [];
    });
  }

  on(event: 'data', listener: (chunk: Buffer) => void): void {
    this.#stream.on(event, listener);
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

export class Http2Response implements ClientResponse {
  readonly chunkedEncoding = true;
  shouldKeepAlive = true;
  readonly #stream: ServerHttp2Stream;
  #head: OutgoingHttpHeaders | null = null;
  #trailers: [string, string][] = [];

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
    stream.on('wantTrailers', () => stream.sendTrailers(http2Fields(this.#trailers.flat())));
  }

  get headersSent(): boolean {
    return this.#stream.headersSent;
  }

  /** The reason phrase is gone in HTTP/2 (RFC 9113 section 8.3.2). */
  writeHead(status: number, reason: string | string[], fields: string[] = []): void {
    const raw = typeof reason === 'string' ? fields : reason;
    this.#head = { ...http2Fields(raw), [constants.HTTP2_HEADER_STATUS]: status };
  }

  flushHeaders(): void {
    this.#respond(false);
  }

  write(chunk: Buffer): boolean {
    this.#respond(false);
    return this.#stream.write(chunk);
  }

  end(chunk?: Buffer | string, encoding?: 'latin1'): void {
    const empty = chunk === undefined || chunk.length === 0;
    // An answer that is only a head ends with it: what gRPC calls trailers-only.
    this.#respond(empty && this.#trailers.length === 0);
    if (this.#stream.writableEnded || this.#stream.destroyed) return;
    if (empty) this.#stream.end();
    else this.#stream.end(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
  }

  addTrailers(trailers: [string, string][]): void {
    this.#trailers = trailers;
  }

  writeContinue(): void {
    this.#inform(constants.HTTP_STATUS_CONTINUE);
  }

  writeProcessing(): void {
    this.#inform(constants.HTTP_STATUS_PROCESSING);
  }

  writeEarlyHints(hints: Record<string, string | string[]>): void {
    this.#inform(EARLY_HINTS, hints);
  }

  on(event: 'drain', listener: () => void): void {
    this.#stream.on(event, listener);
  }

  #inform(status: number, fields: OutgoingHttpHeaders = {}): void {
    if (this.headersSent || this.#stream.destroyed) return;
    this.#stream.additionalHeaders({ ...fields, [constants.HTTP2_HEADER_STATUS]: status });
  }

  #respond(endStream: boolean): void {
    const head = this.#head;
    if (head === null || this.#stream.destroyed || this.headersSent) return;
    this.#head = null;
    this.#stream.respond(head, endStream ? { endStream } : { waitForTrailers: true });
  }
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
