// The secret that TLS sessions are resumed by, as all event loops of this node have it: taken over from the process before this one,
// and drawn again when it is too old, by any process.

import type { Clock } from '../core/clock.ts';
import { drawTicketSecret, type TicketSecret } from '../proxy/downstream/ticket-keys.ts';

/** A leaked key opens the TLS 1.2 sessions of this long; a client shakes hands in full once in it. */
const TICKET_KEYS_MS = 12 * 3_600_000;

export class TicketRotation {
  readonly #clock: Clock;
  readonly #onSecret: (secret: Uint8Array) => void;
  #secret: Uint8Array;
  #drawnMs: number;
  #timer: NodeJS.Timeout | null = null;

  /** `before`: that of the process before this one; null: there is none. `onSecret` gets the one to use, now and whenever it changes. */
  constructor(before: TicketSecret | null, clock: Clock, onSecret: (secret: Uint8Array) => void) {
    const { secret, ageMs } = before ?? drawTicketSecret();
    this.#clock = clock;
    this.#onSecret = onSecret;
    this.#secret = secret;
    this.#drawnMs = clock.nowMs() - ageMs;
  }

  get current(): TicketSecret {
    return { secret: this.#secret, ageMs: this.#clock.nowMs() - this.#drawnMs };
  }

  start(): void {
    this.#onSecret(this.#secret);
    this.#timer = setTimeout(() => this.#renew(), Math.max(0, TICKET_KEYS_MS - this.current.ageMs)).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #renew(): void {
    this.#secret = drawTicketSecret().secret;
    this.#drawnMs = this.#clock.nowMs();
    this.start();
  }
}
