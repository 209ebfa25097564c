// How long an idle connection to an instance may be trusted. A request on one that the instance is about to close loses
// the request, so the first hang-up on an idle connection teaches how long is too long. Not for ever: an instance that is
// started again hangs up as well, and one lesson of a few milliseconds would have every request open its own connection.

/** How long an idle connection is trusted before any lesson; most servers hold theirs for 5 s. */
export const IDLE_MS_MAX = 4000;
/** How much to trust, from then on, of the idle time after which an instance was seen to hang up. */
const LEARNED_RATIO = 0.7;
/** A lesson that nothing has confirmed for this long is forgotten. */
const LESSON_MS = 60_000;

export class IdleLimit {
  #learnedMs = IDLE_MS_MAX;
  #untilMs = Number.NEGATIVE_INFINITY;

  ms(nowMs: number): number {
    return nowMs < this.#untilMs ? this.#learnedMs : IDLE_MS_MAX;
  }

  /** The instance hung up on a connection that had been idle for `idleMs`. */
  hungUp(idleMs: number, nowMs: number): void {
    this.#learnedMs = Math.min(this.ms(nowMs), idleMs * LEARNED_RATIO);
    this.#untilMs = nowMs + LESSON_MS;
  }
}
