// P(ℓ ≤ limit) from a window, by kernel density estimation: each sample is blurred by a normal kernel of bandwidth h, so
// that a handful of samples near the limit gives a share and not a verdict (Čilić et al., Section V; Silverman 1986, 3.28).

import type { LatencyWindow } from './latency-window.ts';
import { normalCdf, normalDensity } from './normal.ts';

/** Narrower kernels would read noise of the clock as knowledge. */
const BANDWIDTH_MS_MIN = 1;

/** Silverman's rule of thumb, h = max(1 ms, 1.06 · σ · n^(−1/5)); σ and n over the samples that are no failures. */
export function silvermanBandwidthMs(window: LatencyWindow): number {
  let n = 0;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < window.size; i++) {
    const latencyMs = window.latencyMs(i);
    if (latencyMs === Number.POSITIVE_INFINITY) continue;
    n++;
    sum += latencyMs;
    squares += latencyMs * latencyMs;
  }
  if (n < 2) return BANDWIDTH_MS_MIN;
  const variance = Math.max(0, (squares - (sum * sum) / n) / (n - 1));
  return Math.max(BANDWIDTH_MS_MIN, 1.06 * Math.sqrt(variance) * n ** -0.2);
}

/** μ̂ = (1/n) Σ Φ((limit − ℓ_i)/h), a failure counting as ℓ = ∞. NaN for an empty window. */
export function successProbability(window: LatencyWindow, limitMs: number, bandwidthMs: number): number {
  const perBandwidth = 1 / bandwidthMs;
  let sum = 0;
  for (let i = 0; i < window.size; i++) sum += normalCdf((limitMs - window.latencyMs(i)) * perBandwidth);
  return sum / window.size;
}

/** The estimated density itself (per ms) at each point of `gridMs`, `shiftMs` added to every sample; failures have none. */
export function latencyDensity(
  window: LatencyWindow,
  gridMs: readonly number[],
  options: { readonly bandwidthMs: number; readonly shiftMs: number },
): number[] | null {
  if (window.size === 0) return null;
  const { bandwidthMs, shiftMs } = options;
  return gridMs.map((pointMs) => {
    let sum = 0;
    for (let i = 0; i < window.size; i++) {
      const latencyMs = window.latencyMs(i) + shiftMs;
      if (latencyMs < Number.POSITIVE_INFINITY) sum += normalDensity((pointMs - latencyMs) / bandwidthMs);
    }
    return sum / (window.size * bandwidthMs);
  });
}
