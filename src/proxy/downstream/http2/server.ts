// HTTP/2 on a port that speaks HTTP/1 as well. Which of the two a client speaks is known before: over TLS by the handshake (ALPN), in
// cleartext by its first bytes (sniff.ts).

import { performServerHandshake, type ServerOptions } from 'node:http2';
import type { Socket } from 'node:net';
import { gatherPieces } from '../../../net/piece-gatherer.ts';
import { RESPONSE_HEAD_BYTES_MAX } from '../../fields/field-lines.ts';
import { Http2Connection, type Http2PortOptions } from './connection.ts';
import { FrameGuard } from './frame-guard.ts';
import { writeStraight } from './write-straight.ts';

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
