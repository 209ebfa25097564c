// What an instance speaks: its scheme says so, but for https, where the first handshake does (ALPN). An instance may come
// back with another protocol than it left with: after a handshake that failed, the next one asks again.

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Scheme } from '../../core/domain.ts';
import type { ReadInto } from '../../net/connect.ts';
import type { Alpn } from '../../net/tls.ts';

type Protocol = 'http1' | 'http2';
type Opened = (error: Error | null, socket: Socket | null) => void;

export interface DiscoveryConnections {
  /** Opens one connection that offers `protocols` where it is of TLS. Calls back exactly once. */
  open(protocols: readonly Alpn[], done: Opened, into: ReadInto | null): void;
  /** The connection that was asked speaks HTTP/2 and becomes a session. */
  adoptHttp2(socket: Socket): void;
}

const BOTH: readonly Alpn[] = ['h2', 'http/1.1'];
const ONLY: Readonly<Record<Protocol, readonly Alpn[]>> = { http1: ['http/1.1'], http2: ['h2'] };

export class ProtocolDiscovery {
  /** Null until an https instance has said so. */
  known: Protocol | null;
  /** A connection of the known protocol failed: maybe the instance speaks the other one now. */
  #doubted = false;
  readonly #secure: boolean;
  readonly #connections: DiscoveryConnections;
  readonly #waiting: ((error: Error | null) => void)[] = [];

  constructor(scheme: Scheme, connections: DiscoveryConnections) {
    this.known = scheme === 'http' ? 'http1' : scheme === 'h2c' ? 'http2' : null;
    this.#secure = scheme === 'https';
    this.#connections = connections;
  }

  /** Asks by a handshake, once for all that wait; `known` is set when it calls back without an error. */
  discover(done: (error: Error | null) => void): void {
    this.#waiting.push(done);
    if (this.#waiting.length > 1) return;
    const answered = (error: Error | null, socket: Socket | null): void => {
      if (socket !== null) this.#learnFrom(socket);
      for (const waiting of this.#waiting.splice(0)) waiting(error);
    };
    this.#connections.open(BOTH, answered, null);
  }

  /** Opens a connection that speaks `protocol`. Calls back exactly once. */
  open(protocol: Protocol, done: Opened, into: ReadInto | null = null): void {
    // An upgrade asks an instance of HTTP/2 for HTTP/1.1: it shows nothing of what is known.
    if (!this.#secure || protocol !== this.known) {
      this.#connections.open(ONLY[protocol], done, into);
      return;
    }
    const opened: Opened = (error, socket) => {
      this.#doubted = error !== null;
      if (socket === null || protocolOf(socket) === protocol) {
        done(error, socket);
        return;
      }
      this.#learnFrom(socket);
      done(new Error(`the instance speaks ${this.known === 'http2' ? 'HTTP/2' : 'HTTP/1.1'} now`), null);
    };
    this.#connections.open(this.#doubted ? BOTH : ONLY[protocol], opened, into);
  }

  /** A connection of HTTP/1 is not worth keeping apart, and is closed. */
  #learnFrom(socket: Socket): void {
    this.known = protocolOf(socket);
    if (this.known === 'http2') this.#connections.adoptHttp2(socket);
    else socket.destroy();
  }
}

const protocolOf = (socket: Socket): Protocol => ((socket as TLSSocket).alpnProtocol === 'h2' ? 'http2' : 'http1');
