// The keys of TLS session tickets, the same in all event loops of a node, so that a client resumes its session wherever the
// kernel sends its next connection. They depend on the CA of the clients: who resumes a session is not asked for its
// certificate again, so that no session outlives the CA by which it was let in.

import { hkdfSync } from 'node:crypto';

/** Of the secret that they are derived from. */
export const TICKET_SECRET_BYTES = 32;
/** As `tls.Server.setTicketKeys` takes them. */
const KEYS_BYTES = 48;

/** `clientCa`: PEM; null where clients need no certificate. */
export function ticketKeys(secret: Uint8Array, clientCa: Uint8Array | null): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, clientCa ?? new Uint8Array(), 'qedge session tickets', KEYS_BYTES));
}
