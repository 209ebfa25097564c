// Whether a neighbour is right: what it says of an instance beside one's own samples of the same time, by the two-sample
// Kolmogorov–Smirnov test. Samples of two load balancers are no draws of one distribution: their round trips are measured with an error,
// and their requests come at other moments. So a shift by some milliseconds is none, and a fifth is allowed on top.

import { answersIn, BUCKETS, MIDDLES_MS, positionOf } from './histogram.ts';

/** c(α) at α = 0.01. */
const CRITICAL = 1.63;
/** The fifth that is allowed on top. */
const ALLOWED = 0.2;
/** Below that many of either nothing can be said. */
const SAMPLES_MIN = 5;
/** A shift that is none: so many ms, or this share of τ where that is more. */
const SHIFT_MS_MIN = 3;
const SHIFT_SHARE = 0.1;

export class Trust {
  /** Where each bucket's middle lies when it is shifted. */
  readonly #shifted: Float64Array;
  /** The share of the answers before each bucket, for both that are compared. */
  readonly #own = new Float64Array(BUCKETS + 1);
  readonly #other = new Float64Array(BUCKETS + 1);

  /** `latencyMs`: τ of the service. */
  constructor(latencyMs: number) {
    const shiftMs = Math.max(SHIFT_MS_MIN, SHIFT_SHARE * latencyMs);
    this.#shifted = MIDDLES_MS.map((atMs) => positionOf(atMs + shiftMs));
  }

  /** Whether both can be of one instance; null where too little is known. */
  agree(own: Float64Array, other: Float64Array): boolean | null {
    const n = answersIn(own);
    const m = answersIn(other);
    if (n < SAMPLES_MIN || m < SAMPLES_MIN) return null;
    const most = CRITICAL * Math.sqrt(1 / n + 1 / m) + ALLOWED;
    if (most >= 1) return null;
    accumulate(own, n, this.#own);
    accumulate(other, m, this.#other);
    return this.#distance() <= most;
  }

  /** The largest difference of the two distributions that the shift does not explain. */
  #distance(): number {
    let most = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const at = bucket + 0.5;
      const later = this.#shifted[bucket] as number;
      const ownFirst = shareBefore(this.#own, at) - shareBefore(this.#other, later);
      const otherFirst = shareBefore(this.#other, at) - shareBefore(this.#own, later);
      most = Math.max(most, ownFirst, otherFirst);
    }
    return most;
  }
}

/** Writes the share of the `answers` before each bucket, and last that of all. */
function accumulate(cells: Float64Array, answers: number, into: Float64Array): void {
  for (let b = 0; b < BUCKETS; b++) into[b + 1] = (into[b] as number) + (cells[b] as number) / answers;
}

function shareBefore(shares: Float64Array, position: number): number {
  const whole = Math.min(BUCKETS - 1, Math.floor(position));
  const before = shares[whole] as number;
  return before + (position - whole) * ((shares[whole + 1] as number) - before);
}
