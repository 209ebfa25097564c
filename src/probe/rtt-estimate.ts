// One node's network round trip: the median of the last few samples, so that one late answer moves nothing, and a
// notion of a step, so that a changed network is distinguished from jitter.

/** Samples that the median is taken of: two of five may be wild. */
const RTT_SAMPLES = 5;
/** A step smaller than this is never an environment change, at any share: timers and schedulers are no finer. */
const STEP_MS_MIN = 2;

export interface RttReading {
  /** Median, ms. */
  readonly rttMs: number;
  /** What the RTT was before, when this reading is a step away from it; null otherwise. */
  readonly stepFromMs: number | null;
}

export class RttEstimate {
  /** Share of the RTT that a step must exceed. */
  changeRatio: number;
  readonly #samples: number[] = [];
  /** What the next reading is a step away from: the median when the last step, or the first reading, was reported. */
  #baselineMs: number | null = null;

  constructor(changeRatio: number) {
    this.changeRatio = changeRatio;
  }

  /** Takes in a round trip of `sampleMs`. */
  add(sampleMs: number): RttReading {
    this.#samples.push(sampleMs);
    if (this.#samples.length > RTT_SAMPLES) this.#samples.shift();
    const rttMs = median(this.#samples);
    const fromMs = this.#baselineMs;
    const isStep = fromMs !== null && Math.abs(rttMs - fromMs) > Math.max(STEP_MS_MIN, fromMs * this.changeRatio);
    if (fromMs === null || isStep) this.#baselineMs = rttMs;
    return { rttMs, stepFromMs: isStep ? fromMs : null };
  }

  /** The last median, ms; null before the first sample. */
  get rttMs(): number | null {
    return this.#samples.length === 0 ? null : median(this.#samples);
  }
}

function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
