// HTTP/2 on a port that speaks HTTP/1 as well. Which of the two a client speaks is known before: over TLS by the handshake (ALPN), in
// cleartext by its first bytes (sniff.ts).

import type { Socket } from 'node:net';
import { gatherPieces } from '../../../net/piece-gatherer.ts';
import { Http2Connection } from './connection.ts';
import type { Http2PortOptions } from './port-options.ts';

/** Takes sockets that speak HTTP/2. */
export class Http2Port {
  readonly #options: Http2PortOptions;
  readonly #connections = new Set<Http2Connection>();
  #onEmpty: (() => void) | null = null;

  constructor(options: Http2PortOptions) {
    this.#options = options;
  }

  /** A connection that speaks HTTP/2 from here on; `first`: what has been read of it. */
  take(socket: Socket, first: Buffer): void {
    if (socket.destroyed) return;
    // Records of TLS may be as small as a byte.
    if ('encrypted' in socket) gatherPieces(socket);
    const connection = new Http2Connection({ socket, first }, this.#options, () => {
      this.#connections.delete(connection);
      if (this.#connections.size === 0) this.#onEmpty?.();
    });
    this.#connections.add(connection);
  }

  /** Resolves when no connection is left, and no exchange of any. */
  async ended(): Promise<void> {
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** No new streams; those under way finish (GOAWAY). */
  stop(): void {
    for (const connection of this.#connections) connection.stop();
  }
}
