// Whether an instance broke a WebSocket off. Its handshake was a success; one that ends it in no order, or says that it cannot serve, would
// draw all clients to it by shaking hands quickly.

import type { FrameTracker } from './frames.ts';

/** What the instance says of itself (RFC 6455 section 7.4.1 and IANA's registry): internal error, try again later, bad gateway. */
const FAILURES: ReadonlySet<number> = new Set([1011, 1013, 1014]);
/** Going away, service restart: in order after some messages, and no service at all before the first. */
const DEPARTURES: ReadonlySet<number> = new Set([1001, 1012]);
/** A policy of the instance, and what applications define (from 3000): that may be about the client. */
const POLICY = 1008;
const APPLICATION_FIRST = 3000;
/** An instance that ends it so soon after the handshake, with nothing said by either side, served nothing. */
const AT_ONCE_MS_MAX = 1000;

/** An instance may cut off a client that was silent for longer: it may be gone without a word. */
const CLIENT_QUIET_MS_MAX = 5000;

/** What the instance ended, before its client did, or left its client to end. */
export interface EndedPipe {
  /** What came from the instance. */
  readonly said: Pick<FrameTracker, 'closeCode' | 'hasMessage' | 'isInvalid'>;
  /** The client sent a message. */
  readonly clientSpoke: boolean;
  /** Time since a byte of the client, ms. */
  readonly clientQuietMs: number;
  /** Time since the handshake, ms. */
  readonly openMs: number;
}

/** It ends the connection, or finds fault with what was said. */
const isOfProtocol = (closeCode: number): boolean => closeCode < APPLICATION_FIRST && closeCode !== POLICY;

/** How an instance ended a connection that it may have to answer for: `hollow` where it said nothing, or no frame, and beside the others alone. */
export type BadEnd = 'broken-off' | 'hollow';

/** Null: in order. */
export function badEndOf({ said, clientSpoke, clientQuietMs, openMs }: EndedPipe): BadEnd | null {
  const { closeCode, hasMessage, isInvalid } = said;
  // Its client is to fail the connection, and some do not.
  if (isInvalid) return 'hollow';
  if (closeCode === 0) return clientQuietMs <= CLIENT_QUIET_MS_MAX ? 'broken-off' : null;
  if (FAILURES.has(closeCode)) return 'broken-off';
  if (hasMessage) return null;
  if (DEPARTURES.has(closeCode)) return 'broken-off';
  if (openMs > AT_ONCE_MS_MAX) return null;
  return !clientSpoke && isOfProtocol(closeCode) ? 'broken-off' : 'hollow';
}
