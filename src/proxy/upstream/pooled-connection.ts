// A connection that a pool keeps, and what the two know of each other.

import type { Socket } from 'node:net';
import type { ReadInto } from '../../net/connect.ts';
import type { UpstreamCall, UpstreamHandler, UpstreamRequest } from './upstream.ts';

/** One connection for requests that go out whole, made when the first of them is sent. */
export interface PooledConnection {
  idle: boolean;
  idleSinceMs: number;
  /** Nothing was sent on it yet. */
  readonly unused: boolean;
  readonly destroyed: boolean;
  /** Idle time after which the instance said that it hangs up, ms; +Infinity when it did not say. */
  readonly idleMsMax: number;
  /** One at a time. Never throws: errors go to `onError`. */
  send(request: UpstreamRequest, body: Buffer | null, handler: UpstreamHandler): UpstreamCall;
  destroy(): void;
}

/** Opens a connection; `into` null: it is read as a stream. Calls back exactly once. */
export type Opener = (into: ReadInto | null, done: (error: Error | null, socket: Socket | null) => void) => void;

/** What a connection reports to the pool that it belongs to. */
export interface ConnectionOwner {
  countConnection(by: 1 | -1): void;
  giveBack(connection: PooledConnection): void;
  /** It closed while it was idle. */
  closedIdle(connection: PooledConnection): void;
}
