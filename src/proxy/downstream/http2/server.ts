// HTTP/2 on a port that speaks HTTP/1 as well: over TLS the client says so in the handshake (ALPN), in cleartext by its
// first bytes (prior knowledge, RFC 9113 section 3.3).

import { performServerHandshake, type ServerOptions } from 'node:http2';
import type { Socket } from 'node:net';
import { gatherPieces } from '../../../net/piece-gatherer.ts';
import { RESPONSE_HEAD_BYTES_MAX } from '../../fields/field-lines.ts';
import { Http2Connection, type Http2PortOptions } from './connection.ts';
import { FrameGuard } from './frame-guard.ts';
import { writeStraight } from './write-straight.ts';

/** What a client starts a cleartext connection of HTTP/2 with (RFC 9113 section 3.4); its first bytes are enough. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** No method of HTTP/1 begins so. */
const PREFACE_BYTES_MIN = 4;
const STREAMS_MAX = 256;
/** What an instance may answer, our own fields and what the encoding adds. */
const HEADER_BLOCK_BYTES_MAX = 2 * RESPONSE_HEAD_BYTES_MAX;

/** Takes sockets that speak HTTP/2. */
export class Http2Port {
  readonly #options: Http2PortOptions;
  readonly #settings: ServerOptions;
  readonly #connections = new Set<Http2Connection>();

  constructor(options: Http2PortOptions) {
    this.#options = options;
    this.#settings = {
      settings: { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: options.config().headerBytesMax },
      maxSendHeaderBlockLength: HEADER_BLOCK_BYTES_MAX,
      // What an instance repeats is its own affair, in HTTP/2 as in HTTP/1.
      strictSingleValueFields: false,
    };
  }

  /** A connection that speaks HTTP/2 from here on. */
  take(socket: Socket): void {
    if (socket.destroyed) return;
    // Records of TLS may be as small as a byte.
    if ('encrypted' in socket) gatherPieces(socket);
    const guard = new FrameGuard(socket, this.#options.config().headersTimeoutMs);
    const session = performServerHandshake(guard, this.#settings);
    writeStraight(session, socket);
    const connection = new Http2Connection({ socket, guard, session }, this.#options);
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }

  /** No new streams; those under way finish (GOAWAY). */
  stop(): void {
    for (const connection of this.#connections) connection.stop();
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
    const length = Math.min(seen.length, PREFACE_BYTES_MIN);
    const isPreface = seen.compare(PREFACE, 0, length, 0, length) === 0;
    if (isPreface && length < PREFACE_BYTES_MIN) return;
    socket.setTimeout(0);
    socket.removeListener('timeout', giveUp);
    socket.removeListener('end', giveUp);
    socket.removeListener('error', giveUp);
    socket.removeListener('readable', onReadable);
    found(isPreface ? 'http2' : 'http1', seen);
  };
  socket.setTimeout(timeoutMs, giveUp);
  // It went away again without a word, and nothing else listens yet.
  socket.on('end', giveUp);
  socket.on('error', giveUp);
  socket.on('readable', onReadable);
}
