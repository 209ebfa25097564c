// One client connection: which peer is at the other end, which requests of it are under way, and what happens when it goes away or
// falls silent. One close listener a socket, however many requests it carries.

import type { ProxyError } from '../../errors.ts';
import type { ConnectionExchange, ExchangeConnection } from '../exchange/client/connection.ts';
import type { Peer } from '../fields/forwarded.ts';
import type { ServiceRuntime } from '../service.ts';
import type { WebSocketPipe } from '../websocket/websocket.ts';

/** The connection itself, or one stream of it. */
export interface ClientLink {
  destroy(): unknown;
  /** Ends it so that the client sees an error, never a clean end. */
  resetAndDestroy(): unknown;
}

/** What a connection may take its time for, ms. */
export interface QuietLimits {
  readonly bodyIdleTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
}

/** The part of a socket that a quiet connection needs. */
export interface QuietSocket {
  readonly timeout?: number | undefined;
  setTimeout(ms: number): unknown;
}

/** What is known of one client connection; it ends when its socket does. */
export class ClientConnection implements ExchangeConnection {
  readonly peer: Peer;
  readonly #link: ClientLink;
  readonly #service: () => ServiceRuntime | null;
  /** One at most, but for the moment in which it makes way for the next. */
  readonly #exchanges: ConnectionExchange[] = [];
  /** An answer that ends the connection is on its way: what else comes in is of no interest. */
  closing = false;
  /** Set once it carries a WebSocket. */
  pipe: WebSocketPipe | null = null;
  /** Speaks HTTP/2: its streams are connections of their own, and GOAWAY ends it. */
  multiplexed = false;

  /** `service`: the one that the listener belongs to, looked up again for each request since a reload may replace it. */
  constructor(link: ClientLink, peer: Peer, service: () => ServiceRuntime | null) {
    this.#link = link;
    this.peer = peer;
    this.#service = service;
  }

  get service(): ServiceRuntime | null {
    return this.#service();
  }

  get busy(): boolean {
    return this.#exchanges.length > 0;
  }

  /** Its protocol has a way to say that it is over, so that neither side has to guess. */
  get endsItself(): boolean {
    return this.pipe !== null || this.multiplexed;
  }

  add(exchange: ConnectionExchange): void {
    this.#exchanges.push(exchange);
  }

  remove(exchange: ConnectionExchange): void {
    const index = this.#exchanges.indexOf(exchange);
    if (index >= 0) this.#exchanges.splice(index, 1);
  }

  onClose(): void {
    for (const exchange of [...this.#exchanges]) exchange.clientGone();
  }

  /**
   * No byte moved either way since the socket's timeout was set: the client's doing, an instance that thinks, or a
   * connection that is not needed. The timeout is set again for the one of the two limits that is not up yet.
   */
  onQuiet(socket: QuietSocket, { bodyIdleTimeoutMs, keepAliveTimeoutMs }: QuietLimits): void {
    const quietMs = socket.timeout ?? 0;
    const limitMs = this.busy ? bodyIdleTimeoutMs : keepAliveTimeoutMs;
    if (quietMs < limitMs) {
      socket.setTimeout(limitMs);
    } else if (!this.busy) {
      this.destroy();
    } else {
      socket.setTimeout(bodyIdleTimeoutMs);
      for (const exchange of [...this.#exchanges]) if (exchange.waitsForClient) exchange.clientTooSlow();
    }
  }

  /** The parser gave up on what came in. True: in the body of a request, which is answered so; false: behind it. */
  broken(error: ProxyError): boolean {
    return this.#exchanges.some((exchange) => exchange.clientBroken(error));
  }

  destroy(): void {
    this.#link.destroy();
  }

  /** Cuts the client off, so that what it got so far cannot look whole. */
  reset(): void {
    this.#link.resetAndDestroy();
  }
}
