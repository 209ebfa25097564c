// The success estimate with a memory that fades: samples count by 2^(−age / half-life), so that the estimate follows a
// change within seconds and still leans on the whole window when requests are rare.

import type { LatencyWindow } from './latency-window.ts';
import { SAMPLES_MAX } from './latency-window.ts';
import { normalCdf } from './normal.ts';

export interface FadingOptions {
  readonly halfLifeMs: number;
  readonly bandwidthMsMin: number;
  readonly bandwidthMsMax: number;
  /** Samples count no longer than this in the mean: one failure must not drown it. */
  readonly latencyMsMax: number;
}

/** 2^(−x) at x = 0, 1/64 … 32, for linear interpolation: relative error at most (ln 2 / 64)² / 8 = 1.5e-5. */
const STEPS_PER_HALVING = 64;
const HALVINGS_MAX = 32;
const FADE = Float64Array.from(
  { length: HALVINGS_MAX * STEPS_PER_HALVING + 2 },
  (_, i) => 2 ** (-i / STEPS_PER_HALVING),
);

/** 2^(−halvings) for halvings ≥ 0; 0 beyond 32. */
export function fade(halvings: number): number {
  if (halvings >= HALVINGS_MAX) return 0;
  const position = halvings * STEPS_PER_HALVING;
  const index = position | 0;
  const above = FADE[index] ?? 0;
  return above + ((FADE[index + 1] ?? 0) - above) * (position - index);
}

/** Weighted sums of one window, valid until the next `measure`. One object serves all windows of a service. */
export class WeightedKde {
  readonly #options: FadingOptions;
  readonly #weights = new Float64Array(SAMPLES_MAX);
  /** Σ a_i: how many fresh samples the window is worth. */
  weight = 0;
  /** Σ a_i Φ((limit − x_i)/h). */
  successWeight = 0;
  /** Σ a_i min(x_i, latencyMsMax). */
  latencySumMs = 0;
  /** h. */
  bandwidthMs = 0;

  constructor(options: FadingOptions) {
    this.#options = options;
  }

  /** Measures a window against a limit: two passes, no allocation. */
  measure(window: LatencyWindow, limitMs: number, nowMs: number): void {
    this.#weigh(window, nowMs);
    const perBandwidth = 1 / this.bandwidthMs;
    let sum = 0;
    const size = window.size;
    for (let i = 0; i < size; i++) {
      const success = normalCdf((limitMs - window.latencyMs(i)) * perBandwidth);
      sum += (this.#weights[i] as number) * success;
    }
    this.successWeight = sum;
  }

  #weigh(window: LatencyWindow, nowMs: number): void {
    const { halfLifeMs, bandwidthMsMin, bandwidthMsMax, latencyMsMax } = this.#options;
    const perHalfLife = 1 / halfLifeMs;
    const weights = this.#weights;
    let weight = 0;
    let sum = 0;
    let squares = 0;
    let capped = 0;
    const size = window.size;
    for (let i = 0; i < size; i++) {
      const a = fade((nowMs - window.atMs(i)) * perHalfLife);
      const x = window.latencyMs(i);
      weights[i] = a;
      weight += a;
      sum += a * x;
      squares += a * x * x;
      capped += a * (x < latencyMsMax ? x : latencyMsMax);
    }
    this.weight = weight;
    this.latencySumMs = capped;
    const deviation = weight > 0 ? Math.sqrt(Math.max(0, squares / weight - (sum / weight) ** 2)) : 0;
    // Silverman's rule with the samples' worth in place of their number.
    const rule = weight > 0 ? 1.06 * deviation * weight ** -0.2 : bandwidthMsMax;
    this.bandwidthMs = Math.min(bandwidthMsMax, Math.max(bandwidthMsMin, rule));
  }
}
