// HTTP/2 on a port that speaks HTTP/1 as well: over TLS the client says so in the handshake (ALPN), in cleartext by its
// first bytes (prior knowledge, RFC 9113 section 3.3). Each stream is one exchange.

import { constants, createServer, type Http2Server, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { ProxyConfig } from '../config/config.ts';
import { ClientConnection, type QuietSocket } from './client-connection.ts';
import type { Peer } from './forwarded.ts';
import { Http2Request, Http2Response } from './http2-message.ts';
import { RESPONSE_HEAD_BYTES_MAX } from './response-parser.ts';
import type { Route } from './routes.ts';
import type { ServiceRuntime } from './service-runtime.ts';

export interface Http2PortOptions {
  /** The one in force. */
  readonly config: () => ProxyConfig;
  readonly route: Route;
  readonly peerOf: (remoteAddress: string | undefined, encrypted: boolean) => Peer;
  readonly service: () => ServiceRuntime | null;
}

interface SessionFacts {
  readonly peer: Peer;
  streams: number;
}

/** What a client starts a cleartext connection of HTTP/2 with (RFC 9113 section 3.4); its first bytes are enough. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** No method of HTTP/1 begins so. */
const TELLING_BYTES = 4;
const STREAMS_MAX = 256;
/** What an instance may answer, our own fields and what the encoding adds. */
const HEADER_BLOCK_BYTES_MAX = 2 * RESPONSE_HEAD_BYTES_MAX;

export class Http2Port {
  readonly #options: Http2PortOptions;
  readonly #server: Http2Server;
  readonly #sessions = new Map<Http2Session, SessionFacts>();

  constructor(options: Http2PortOptions) {
    this.#options = options;
    this.#server = createServer({
      settings: { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: options.config().headerBytesMax },
      maxSendHeaderBlockLength: HEADER_BLOCK_BYTES_MAX,
      // What an instance repeats is its own affair, in HTTP/2 as in HTTP/1.
      strictSingleValueFields: false,
    });
    this.#server.on('session', (session) => this.#onSession(session));
    this.#server.on('sessionError', () => {});
    this.#server.on(
      'stream',
      (stream: ServerHttp2Stream, _headers: unknown, _flags: unknown, rawHeaders: readonly string[] = []) =>
        this.#onStream(stream, rawHeaders),
    );
  }

  /** A connection that speaks HTTP/2 from here on. */
  take(socket: Socket): void {
    this.#server.emit('connection', socket);
  }

  /** No new streams; those under way finish (GOAWAY). */
  stop(): void {
    for (const session of this.#sessions.keys()) session.close();
  }

  close(): void {
    for (const session of this.#sessions.keys()) session.destroy();
  }

  #onSession(session: Http2Session): void {
    const peer = this.#options.peerOf(session.socket.remoteAddress, session.encrypted === true);
    const facts = { peer, streams: 0 };
    this.#sessions.set(session, facts);
    session.setTimeout(this.#options.config().keepAliveTimeoutMs, () => {
      if (facts.streams === 0) session.close();
    });
    session.once('close', () => this.#sessions.delete(session));
    // A broken session ends its streams, and each exchange hears of it there.
    session.on('error', () => {});
  }

  #onStream(stream: ServerHttp2Stream, rawHeaders: readonly string[]): void {
    const { config, route, service } = this.#options;
    // Also where it, or its session, is gone before it gets here.
    stream.on('error', () => {});
    const session = stream.session === undefined ? undefined : this.#sessions.get(stream.session);
    if (session === undefined) {
      stream.close(constants.NGHTTP2_CANCEL);
      return;
    }
    const link = {
      destroy: () => stream.close(constants.NGHTTP2_CANCEL),
      resetAndDestroy: () => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
    };
    const connection = new ClientConnection(link, session.peer, service);
    session.streams++;
    // The client reset it. It closes only once all that came has been read, which may never be.
    stream.once('aborted', () => connection.onClose());
    stream.once('close', () => {
      session.streams--;
      connection.onClose();
    });
    stream.setTimeout(config().bodyIdleTimeoutMs);
    stream.on('timeout', () => connection.onQuiet(stream as QuietSocket, config()));
    const request = new Http2Request(stream, rawHeaders);
    route({ connection, request, response: new Http2Response(stream), upgrade: null });
  }
}

/**
 * Looks at the first bytes of a cleartext connection and hands it on together with them. A client that says nothing is cut
 * off after `timeoutMs`.
 */
export function sniff(
  socket: Socket,
  timeoutMs: number,
  found: (protocol: 'http1' | 'http2', first: Buffer) => void,
): void {
  let seen: Buffer = Buffer.alloc(0);
  const giveUp = (): void => {
    socket.destroy();
  };
  const onReadable = (): void => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, TELLING_BYTES);
    const telling = seen.compare(PREFACE, 0, length, 0, length) === 0;
    if (telling && length < TELLING_BYTES) return;
    socket.setTimeout(0);
    socket.removeListener('timeout', giveUp);
    socket.removeListener('end', giveUp);
    socket.removeListener('error', giveUp);
    socket.removeListener('readable', onReadable);
    found(telling ? 'http2' : 'http1', seen);
  };
  socket.setTimeout(timeoutMs, giveUp);
  // It went away again without a word, and nobody else listens yet.
  socket.on('end', giveUp);
  socket.on('error', giveUp);
  socket.on('readable', onReadable);
}
