// The way to an instance that speaks HTTP/2: one stream an attempt, bodies and trailers both ways, as gRPC needs them.

import { type ClientHttp2Stream, constants, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2';
import { gatherPieces } from '../../../net/piece-gatherer.ts';
import type { RawFields } from '../../fields/fields.ts';
import { http2Fields, withoutPseudo } from '../../fields/http2-fields.ts';
import type { OutgoingBody, Transmission, UpstreamCall, UpstreamHandler } from '../upstream.ts';
import { upstreamError } from '../upstream.ts';
import type { Http2Connection } from './connection.ts';
import type { Http2Target } from './sessions.ts';

/** Never throws: errors go to `onError`. */
export function forwardHttp2(target: Http2Target, transmission: Transmission, handler: UpstreamHandler): UpstreamCall {
  const call = new StreamCall(target, transmission, handler);
  const { sessions } = target;
  // A wait for room on what is connected is the instance's doing; any other is for a connection, or for a word of an idle one.
  let waits = false;
  sessions.take((error, connection) => {
    if (connection === null) call.failed(error ?? new Error('no connection'));
    else call.begin(connection, waits);
  });
  waits = !sessions.isFull;
  return call;
}

class StreamCall implements UpstreamCall {
  readonly #target: Http2Target;
  readonly #transmission: Transmission;
  readonly #handler: UpstreamHandler;
  #connection: Http2Connection | null = null;
  #stream: ClientHttp2Stream | null = null;
  #trailers: RawFields = [];
  #answered = false;
  /** Bytes of the answer still to come, by its own account; NaN: it did not say. */
  #bytesLeft = Number.NaN;
  /** Its body ended with a reset; null while it goes on. */
  #endedByReset: boolean | null = null;
  #over = false;

  constructor(target: Http2Target, transmission: Transmission, handler: UpstreamHandler) {
    this.#target = target;
    this.#transmission = transmission;
    this.#handler = handler;
  }

  /** `connected`: it had to wait for the connection. */
  begin(connection: Http2Connection, connected: boolean): void {
    if (this.#over) return;
    if (connected) this.#handler.onConnected();
    const body = this.#transmission.body;
    let stream: ClientHttp2Stream;
    try {
      stream = connection.session.request(headersOf(this.#transmission, this.#target.scheme), {
        endStream: body === null,
        waitForTrailers: body !== null,
      });
    } catch (error) {
      this.failed(error as Error);
      return;
    }
    this.#connection = connection;
    this.#stream = stream;
    const { sessions } = this.#target;
    sessions.count(connection, 1);
    stream.once('close', () => {
      sessions.count(connection, -1);
      this.#onError(stream, new Error(`stream closed with code ${stream.rstCode}`));
    });
    this.#listen(stream);
    if (body !== null) this.#sendBody(stream, body);
  }

  /** Before there was a stream. */
  failed(error: Error): void {
    if (this.#over) return;
    this.#finish();
    this.#handler.onError(upstreamError(error, false, false));
  }

  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  abort(late = false): void {
    if (this.#over) return;
    this.#finish();
    if (late && this.#connection !== null) this.#target.sessions.doubt(this.#connection);
    this.#stream?.close(constants.NGHTTP2_CANCEL);
  }

  #listen(stream: ClientHttp2Stream): void {
    const handler = this.#handler;
    gatherPieces(stream);
    this.#watchEnd(stream);
    stream.on('continue', () => this.#over || handler.onInformation(100, []));
    stream.on('headers', (headers, _flags, raw) => {
      const status = headers[':status'] ?? 0;
      if (!this.#over && status > 100) handler.onInformation(status, withoutPseudo(raw as unknown as RawFields));
    });
    stream.on('response', (headers, _flags, raw) => {
      if (this.#over) return;
      this.#answered = true;
      this.#target.sessions.answered();
      this.#bytesLeft = this.#lengthOf(headers);
      handler.onHead(headers[':status'] ?? 0, '', withoutPseudo(raw as unknown as RawFields));
    });
    stream.on('data', (chunk: Buffer) => {
      this.#bytesLeft -= chunk.length;
      if (!this.#over) handler.onData(chunk);
    });
    stream.on('trailers', (_headers, _flags, raw) => {
      this.#trailers = withoutPseudo(raw as unknown as RawFields);
    });
    stream.on('end', () => this.#onEnd(stream));
    stream.on('drain', () => this.#transmission.body?.drained());
    stream.on('error', (error) => this.#onError(stream, error));
  }

  /** Node says `end` for the end of a body and for a reset with NO_ERROR, but closes the stream behind the one and before the other. */
  #watchEnd(stream: ClientHttp2Stream): void {
    const { push } = stream;
    stream.push = (chunk: Buffer | null): boolean => {
      if (chunk === null) this.#endedByReset ??= stream.closed;
      return push(chunk);
    };
  }

  #lengthOf(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): number {
    const status = headers[':status'];
    const bodiless = this.#transmission.request.method === 'HEAD' || status === 204 || status === 304;
    return bodiless ? 0 : Number(headers['content-length'] ?? Number.NaN);
  }

  #sendBody(stream: ClientHttp2Stream, body: OutgoingBody): void {
    let trailers: readonly string[] = [];
    stream.on('wantTrailers', () => stream.sendTrailers(http2Fields(trailers)));
    body.attach({
      write: (chunk) => stream.write(chunk),
      end: (last) => {
        trailers = last;
        stream.end();
      },
    });
  }

  get #isShort(): boolean {
    return Number.isNaN(this.#bytesLeft) ? this.#endedByReset === true : this.#bytesLeft > 0;
  }

  /** A stream that was reset ends as well, before its error: then the answer is not whole. */
  #onEnd(stream: ClientHttp2Stream): void {
    if (this.#over || !this.#answered || stream.rstCode !== constants.NGHTTP2_NO_ERROR) return;
    if (this.#isShort) {
      this.#onError(stream, new Error('the instance reset the stream in the middle of its answer'));
      return;
    }
    this.#finish();
    // An answer before the whole request: the rest of the body is not wanted (RFC 9113 section 8.1).
    if (!stream.writableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
    this.#handler.onEnd(this.#trailers);
  }

  #onError(stream: ClientHttp2Stream, error: Error): void {
    if (this.#over) return;
    this.#finish();
    if (this.#answered || !this.#wasUnprocessed(stream)) {
      this.#handler.onError(upstreamError(error, true, this.#answered));
      return;
    }
    const progress = this.#target.sessions.refused() ? 'not-sent' : 'unprocessed';
    this.#handler.onError({ code: 'upstream-reset', progress, cause: error });
  }

  /** RFC 9113 section 8.7: a refused stream, and one above the last that GOAWAY names, were not looked at. */
  #wasUnprocessed({ id, rstCode }: ClientHttp2Stream): boolean {
    if (id === undefined || rstCode === constants.NGHTTP2_REFUSED_STREAM) return true;
    return this.#connection !== null && id > this.#connection.lastStreamId;
  }

  #finish(): void {
    this.#over = true;
    this.#transmission.body?.detach();
  }
}

function headersOf({ request, framing }: Transmission, scheme: 'http' | 'https'): Record<string, string | string[]> {
  const headers = http2Fields(request.fields);
  const { contentLength, trailer, expect } = framing;
  headers[':method'] = request.method;
  headers[':path'] = request.target;
  headers[':scheme'] = scheme;
  headers[':authority'] = hostOf(request.fields);
  if (contentLength !== null) headers['content-length'] = String(contentLength);
  if (trailer !== null) headers.trailer = trailer;
  if (expect !== null) headers.expect = expect;
  return headers;
}

function hostOf(fields: readonly string[]): string {
  for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === 'Host') return fields[i + 1] ?? '';
  return '';
}
