// Moments of a monotonic clock as the wall clock has them. A device without a clock of its own starts with any time, and is set by
// years when a time server answers: what was stamped before would stay in another year, so moments are converted as they are read.

export interface WallTimeOptions {
  /** The same moment is the same wall time until the wall clock was set by more than this, or has drifted as far. */
  readonly stepMs: number;
  /** Ms since the epoch; `Date.now` when absent. */
  readonly wallNowMs?: (() => number) | undefined;
}

/** Converts the times of one monotonic clock. */
export class WallTime {
  readonly #stepMs: number;
  readonly #wallNowMs: () => number;
  /** Wall clock less the monotonic clock. */
  #offsetMs = Number.NaN;

  constructor({ stepMs, wallNowMs = Date.now }: WallTimeOptions) {
    this.#stepMs = stepMs;
    this.#wallNowMs = wallNowMs;
  }

  /** `momentMs` as wall clock, ms since the epoch; both times are of the monotonic clock. */
  at(momentMs: number, nowMs: number): number {
    const offsetMs = this.#wallNowMs() - nowMs;
    if (!(Math.abs(offsetMs - this.#offsetMs) <= this.#stepMs)) this.#offsetMs = offsetMs;
    return momentMs + this.#offsetMs;
  }
}
