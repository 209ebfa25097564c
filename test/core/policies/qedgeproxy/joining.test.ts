import { describe, expect, it } from 'vitest';
import { canMeetLimit, processingQuantileMs } from '../../../../src/core/policies/qedgeproxy/joining.ts';
import { LatencyWindow } from '../../../../src/core/stats/latency-window.ts';
import { candidateAt } from '../../candidates.ts';

function observed(rttMs: number, latenciesMs: readonly number[]) {
  const window = new LatencyWindow(10_000);
  for (const latencyMs of latenciesMs) window.push(0, latencyMs);
  return { candidate: candidateAt(0, rttMs), window };
}

describe('an instance that joins', () => {
  it('is judged by the low quantile of processing latency over all instances, failures left out', () => {
    const instances = [
      observed(10, [20, 30, 40, 50, 60]),
      observed(30, [45, 55, Number.POSITIVE_INFINITY, 65, 75, 85, 95]),
    ];
    // Processing: 10, 20, 30, 40, 50 and 15, 25, 35, 45, 55, 65.
    expect(processingQuantileMs(instances, 0.1)).toBe(15);
    expect(processingQuantileMs(instances, 0)).toBe(10);
    expect(processingQuantileMs(instances, 1)).toBe(65);
  });

  it('is not judged by what was never seen, and by nothing below zero', () => {
    expect(processingQuantileMs([], 0.1)).toBe(0);
    expect(processingQuantileMs([observed(50, [20])], 0.1)).toBe(0);
  });

  it('is admitted where it can make it: ℓⁿ + ℓ̂ᵖ ≤ τ', () => {
    expect(canMeetLimit(candidateAt(0, 65), 15, 80)).toBe(true);
    expect(canMeetLimit(candidateAt(0, 65.1), 15, 80)).toBe(false);
  });
});
