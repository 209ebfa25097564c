// What an instance speaks: its scheme says so, but for https, where the first handshake does (ALPN).

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Scheme } from '../../core/domain.ts';

export interface DiscoveryConnections {
  /** Opens one connection that offers both protocols. Calls back exactly once. */
  open(done: (error: Error | null, socket: Socket | null) => void): void;
  /** The connection that was asked speaks HTTP/2 and becomes the first session. */
  adoptHttp2(socket: Socket): void;
}

export class ProtocolDiscovery {
  /** Null until an https instance has said so. */
  known: 'http1' | 'http2' | null;
  readonly #connections: DiscoveryConnections;
  readonly #waiting: ((error: Error | null) => void)[] = [];

  constructor(scheme: Scheme, connections: DiscoveryConnections) {
    this.known = scheme === 'http' ? 'http1' : scheme === 'h2c' ? 'http2' : null;
    this.#connections = connections;
  }

  /** Asks by a handshake, once for all that wait; `known` is set when it calls back without an error. */
  discover(done: (error: Error | null) => void): void {
    this.#waiting.push(done);
    if (this.#waiting.length > 1) return;
    this.#connections.open((error, socket) => {
      if (socket !== null) this.#learnFrom(socket);
      for (const waiting of this.#waiting.splice(0)) waiting(error);
    });
  }

  /** A connection of HTTP/1 is not worth keeping apart. */
  #learnFrom(socket: Socket): void {
    this.known = (socket as TLSSocket).alpnProtocol === 'h2' ? 'http2' : 'http1';
    if (this.known === 'http2') this.#connections.adoptHttp2(socket);
    else socket.destroy();
  }
}
