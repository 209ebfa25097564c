// The keys of TLS session tickets, the same in all event loops of a node, so that a client resumes its session wherever the
// kernel sends its next connection. They depend on the CA of the clients: a client that resumes a session is not asked for its
// certificate again, so no session may outlive the CA that let it in.

import { hkdfSync, randomBytes } from 'node:crypto';

/** Length of the secret that the keys are derived from. */
const TICKET_SECRET_BYTES = 32;
/** As `tls.Server.setTicketKeys` takes them. */
const KEYS_BYTES = 48;

/** What the keys are derived from, and how long ago it was drawn. */
export interface TicketSecret {
  readonly secret: Uint8Array;
  readonly ageMs: number;
}

/** A new secret, drawn at random. */
export function drawTicketSecret(): TicketSecret {
  return { secret: randomBytes(TICKET_SECRET_BYTES), ageMs: 0 };
}

/** One line, for the process that comes next. */
export function ticketSecretText({ secret, ageMs }: TicketSecret): string {
  return `${Buffer.from(secret).toString('hex')} ${Math.round(ageMs)}`;
}

/** Null for what is no such line. */
export function readTicketSecret(text: string): TicketSecret | null {
  const [, hex, age] = /^([0-9a-f]{64}) (\d{1,15})$/.exec(text) ?? [];
  return hex === undefined ? null : { secret: Buffer.from(hex, 'hex'), ageMs: Number(age) };
}

/** `clientCa`: PEM; null where clients need no certificate. */
export function ticketKeys(secret: Uint8Array, clientCa: Uint8Array | null): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, clientCa ?? new Uint8Array(), 'qedge session tickets', KEYS_BYTES));
}
