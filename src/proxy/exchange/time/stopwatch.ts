// The time that an exchange is charged: wall time less the spans in which it waited for its client, to send the rest of a
// body or to drain the answer. Spans may overlap; they are counted once.

/** The charged time of one exchange, ms; stands still while its client is waited for. */
export class Stopwatch {
  #startMs = Number.NaN;
  #clientMs = 0;
  #waitingSinceMs = 0;
  #waits = 0;

  /** The request could be sent upstream from now on. Only the first call counts. */
  start(nowMs: number): void {
    if (Number.isNaN(this.#startMs)) this.#startMs = nowMs;
  }

  /** Notes one more reason for which the client keeps us waiting from now on. */
  waitForClient(nowMs: number): void {
    if (this.#waits++ === 0) this.#waitingSinceMs = nowMs;
  }

  /** One of the reasons is gone. */
  clientReady(nowMs: number): void {
    if (--this.#waits === 0) this.#clientMs += nowMs - this.#waitingSinceMs;
  }

  /** How long the client has kept us waiting in all, ms. */
  clientMs(nowMs: number): number {
    return this.#clientMs + this.waitingMs(nowMs);
  }

  /** How long it does so now, ms. */
  waitingMs(nowMs: number): number {
    return this.#waits > 0 ? nowMs - this.#waitingSinceMs : 0;
  }

  /** Milliseconds charged so far; 0 before the start. */
  elapsedMs(nowMs: number): number {
    if (Number.isNaN(this.#startMs)) return 0;
    return nowMs - this.#startMs - this.clientMs(nowMs);
  }
}
