// What a wrong proof costs its sender: a wait before the answer, and from one address only a few at a time. A right
// one never waits, so that the guesses of others lock out no caller.

import { setTimeout as delay } from 'node:timers/promises';
import { type Logger, RateLimitedLog } from '../../telemetry/log.ts';

const WAIT_MS = 1_000;
/** Proofs of one address that are looked at while as many wrong ones of it wait. */
const WAITING_MAX = 4;
const LOG_INTERVAL_MS = 10_000;

/** Slows down wrong proofs, by the address that sends them. */
export class Guesses {
  readonly #log: Logger;
  readonly #lines = new RateLimitedLog(LOG_INTERVAL_MS);
  /** Wrong ones that wait, by address: no more addresses than the port takes connections. */
  readonly #waiting = new Map<string, number>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Whether another proof of the address is looked at now. */
  admits(address: string): boolean {
    return (this.#waiting.get(address) ?? 0) < WAITING_MAX;
  }

  /** The proof was wrong: resolves when it may be said so. */
  async recordWrong(address: string): Promise<void> {
    const suppressed = this.#lines.admit(address, performance.now());
    if (suppressed !== null) this.#log.warn({ address, suppressed }, 'wrong admin token');
    this.#waiting.set(address, (this.#waiting.get(address) ?? 0) + 1);
    await delay(WAIT_MS, undefined, { ref: false });
    const rest = (this.#waiting.get(address) ?? 1) - 1;
    if (rest > 0) this.#waiting.set(address, rest);
    else this.#waiting.delete(address);
  }
}
