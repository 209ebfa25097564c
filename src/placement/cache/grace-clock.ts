// Time as grace periods count it: it stands still while the broker is away, since nothing that is silent then has left.
// Pure.

export class GraceClock {
  #awayMs = 0;
  /** Real time at which the clock was stopped; null while it runs. */
  #stoppedAtMs: number | null = null;

  /** Grace time at the real time `nowMs`. */
  at(nowMs: number): number {
    return Math.min(nowMs, this.#stoppedAtMs ?? nowMs) - this.#awayMs;
  }

  /** Real time at which grace time `graceMs` comes; +Infinity while the clock is stopped. */
  realMs(graceMs: number): number {
    return this.#stoppedAtMs === null ? graceMs + this.#awayMs : Number.POSITIVE_INFINITY;
  }

  stop(nowMs: number): void {
    this.#stoppedAtMs ??= nowMs;
  }

  run(nowMs: number): void {
    if (this.#stoppedAtMs === null) return;
    this.#awayMs += nowMs - this.#stoppedAtMs;
    this.#stoppedAtMs = null;
  }
}
