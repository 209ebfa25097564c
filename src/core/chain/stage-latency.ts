// What a stage of a chain takes, as the last answers had it: a histogram with logarithmic bins in which older answers weigh
// less, so that a quantile costs a walk over it and no sorting.

import { recordOf } from '../snapshot-shape.ts';

/** Bin 0 ends here; each further one is wider by the ratio. The last takes all beyond, 5 minutes and more. */
const FIRST_MS = 0.1;
const RATIO = 1.1;
const BINS = 160;
/** The factor on the weight of older answers at each new one: about fifty speak. */
const DECAY = 0.98;
/** Weights grow instead of shrinking, and are brought back down before they lose digits. */
const WEIGHT_MAX = 1e12;

/** The latencies of one stage. */
export class StageLatency {
  readonly #bins = new Float64Array(BINS);
  #weight = 1;
  #total = 0;
  /** Answers so far. */
  samples = 0;

  observe(latencyMs: number): void {
    this.#weight /= DECAY;
    this.#bins[binOf(latencyMs)] = (this.#bins[binOf(latencyMs)] as number) + this.#weight;
    this.#total += this.#weight;
    this.samples++;
    if (this.#weight > WEIGHT_MAX) this.#rescale();
  }

  /** What the share `ratio` of the answers took at the most, ms; NaN before the first. */
  quantileMs(ratio: number): number {
    const wanted = ratio * this.#total;
    let seen = 0;
    let mostMs = Number.NaN;
    for (let bin = 0; bin < BINS; bin++) {
      const weight = this.#bins[bin] as number;
      if (weight === 0) continue;
      if (seen + weight >= wanted) return edgeMs(bin) * RATIO ** ((wanted - seen) / weight - 1);
      seen += weight;
      mostMs = edgeMs(bin);
    }
    // The sum in one order may be less than in another, by its last digit.
    return mostMs;
  }

  /** `[bin, weight]` of the bins that hold anything, the weights summing to 1; and how many answers it were. */
  snapshot(): unknown {
    const bins = [...this.#bins].flatMap((weight, bin) => {
      const share = Math.round((1e4 * weight) / this.#total) / 1e4;
      return share > 0 ? [[bin, share]] : [];
    });
    return { samples: this.samples, bins };
  }

  /** Takes back a snapshot of its own making; ignores what does not fit. */
  restore(snapshot: unknown): void {
    const { samples, bins } = recordOf(snapshot);
    if (!Number.isSafeInteger(samples) || (samples as number) < 1 || !Array.isArray(bins)) return;
    const weights = new Float64Array(BINS);
    for (const entry of bins as readonly unknown[]) {
      if (!Array.isArray(entry)) return;
      const [bin, share] = entry as readonly unknown[];
      if (!Number.isInteger(bin) || typeof share !== 'number' || !(share > 0 && share <= 1)) return;
      if ((bin as number) < 0 || (bin as number) >= BINS) return;
      weights[bin as number] = share;
    }
    const sum = weights.reduce((total, weight) => total + weight, 0);
    if (sum === 0) return;
    // As many as weigh anything: with each one more, the others weigh less.
    const effective = (1 - DECAY ** (samples as number)) / (1 - DECAY);
    for (let bin = 0; bin < BINS; bin++) this.#bins[bin] = ((weights[bin] as number) * effective) / sum;
    this.#total = effective;
    this.#weight = 1;
    this.samples = samples as number;
  }

  #rescale(): void {
    for (let bin = 0; bin < BINS; bin++) this.#bins[bin] = (this.#bins[bin] as number) / this.#weight;
    this.#total /= this.#weight;
    this.#weight = 1;
  }
}

function binOf(latencyMs: number): number {
  if (!(latencyMs > FIRST_MS)) return 0;
  return Math.min(BINS - 1, Math.ceil(Math.log(latencyMs / FIRST_MS) / Math.log(RATIO)));
}

/** Upper end of a bin. */
const edgeMs = (bin: number): number => FIRST_MS * RATIO ** bin;
