// What an exchange and the connection of its client know of each other.

import type { Socket } from 'node:net';
import type { ProxyError } from '../../../errors.ts';
import type { Peer } from '../../fields/forwarded.ts';
import type { ServiceRuntime } from '../../service.ts';
import type { WebSocketPipe } from '../../websocket/websocket.ts';
import type { ClientRequest, ClientResponse } from './message.ts';

/** The other end of an exchange. */
export interface ExchangeClient {
  readonly connection: ExchangeConnection;
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  /** Null: it stays with HTTP. */
  readonly upgrade: ClientUpgrade | null;
}

/** A client that wants to switch protocols. */
export interface ClientUpgrade {
  readonly socket: Socket;
  /** Takes the socket away from the response that would have answered on it. Returns what came behind the head. */
  detach(): Buffer;
}

/** The connection, as an exchange sees it. */
export interface ExchangeConnection {
  readonly peer: Peer;
  /** The service of the port; null on the shared one. */
  readonly service: ServiceRuntime | null;
  /** An answer that ends the connection is on its way. */
  closing: boolean;
  /** Set once it carries a WebSocket. */
  pipe: WebSocketPipe | null;
  add(exchange: ConnectionExchange): void;
  remove(exchange: ConnectionExchange): void;
  destroy(): void;
  /** Cuts the client off, so that what it got so far cannot look whole. */
  reset(): void;
}

/** What a connection needs of the exchanges on it. */
export interface ConnectionExchange {
  readonly waitsForClient: boolean;
  clientGone(): void;
  clientTooSlow(): void;
  /** What follows on the connection cannot be understood. True: it was a part of this request, which says so. */
  clientBroken(error: ProxyError): boolean;
}
