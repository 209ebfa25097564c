// Whether an instance broke a WebSocket off. Its handshake was a success; one that ends it in no order, or says that it cannot serve, would
// draw all clients to it by shaking hands quickly.

import type { FrameTracker } from './frames.ts';

/** What the instance says of itself (RFC 6455 section 7.4.1 and IANA's registry): internal error, try again later, bad gateway. */
const FAILURES: ReadonlySet<number> = new Set([1011, 1013, 1014]);
/** Going away, service restart: in order after some messages, and no service at all before the first. */
const DEPARTURES: ReadonlySet<number> = new Set([1001, 1012]);

/** An instance may cut off a client that was silent for longer: it may be gone without a word. */
const CLIENT_QUIET_MS_MAX = 5000;

/** `said`: what came from the instance, which ended the connection before its client did. `clientQuietMs`: since a byte of the client. */
export function isBrokenOff(said: Pick<FrameTracker, 'closeCode' | 'hasMessage'>, clientQuietMs: number): boolean {
  const { closeCode, hasMessage } = said;
  if (closeCode === 0) return clientQuietMs <= CLIENT_QUIET_MS_MAX;
  return FAILURES.has(closeCode) || (DEPARTURES.has(closeCode) && !hasMessage);
}
