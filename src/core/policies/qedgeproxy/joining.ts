// Algorithm 3, lines 1–4: may a new instance meet the limit? Judged by its round trip and by what the service's other
// instances took to process at their best.

import type { Candidate } from '../../domain.ts';
import type { LatencyWindow } from '../../stats/latency-window.ts';

/**
 * ℓ̂ᵖ: the q-quantile of the recent processing latencies (ℓ − ℓⁿ, at least 0; failures left out) over all instances, ms;
 * 0 without samples. Cold path: sorts all samples.
 */
export function processingQuantileMs(
  instances: Iterable<{ readonly candidate: Candidate; readonly window: LatencyWindow }>,
  quantile: number,
): number {
  const processing: number[] = [];
  for (const { candidate, window } of instances) {
    for (let i = 0; i < window.size; i++) {
      const latencyMs = window.latencyMs(i);
      if (latencyMs < Number.POSITIVE_INFINITY) processing.push(Math.max(0, latencyMs - candidate.rttMs));
    }
  }
  processing.sort((a, b) => a - b);
  return processing[Math.floor(quantile * (processing.length - 1))] ?? 0;
}

/** Whether ℓⁿ + ℓ̂ᵖ ≤ τ. */
export function canMeetLimit(candidate: Candidate, processingMs: number, latencyMs: number): boolean {
  return candidate.rttMs + processingMs <= latencyMs;
}
