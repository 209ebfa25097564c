import { describe, expect, it } from 'vitest';
import { OwnBaseline } from '../../../../src/core/policies/qedge/own-baseline.ts';
import { LatencyWindow } from '../../../../src/core/stats/latency-window.ts';

const SERVICE_MS = 10;
const FAILURE_MS = 240;

function windowOf(latenciesMs: readonly number[]): LatencyWindow {
  const window = new LatencyWindow(10_000);
  for (const latencyMs of latenciesMs) window.push(0, latencyMs);
  return window;
}

/** The baseline after `steps` decision steps with the same window. */
function baselineAfter(baseline: OwnBaseline, window: LatencyWindow, steps: number): number {
  let ms = Number.NaN;
  for (let i = 0; i < steps; i++) {
    baseline.advance();
    ms = baseline.refresh(0, window, SERVICE_MS);
  }
  return ms;
}

function make(): OwnBaseline {
  const baseline = new OwnBaseline(1.005, FAILURE_MS);
  baseline.ensureHandles(1);
  return baseline;
}

describe('the baseline of one instance', () => {
  it('is that of the service until enough is known of the instance', () => {
    expect(baselineAfter(make(), windowOf([30, 31, 32]), 8)).toBe(SERVICE_MS);
  });

  it('is the low quantile of its own latencies from then on', () => {
    expect(baselineAfter(make(), windowOf(Array.from({ length: 41 }, (_, i) => 30 + i)), 1)).toBe(32);
  });

  it('falls at once and rises by no more than its rate', () => {
    const baseline = make();
    baselineAfter(baseline, windowOf(Array(20).fill(40)), 4);
    expect(baselineAfter(baseline, windowOf(Array(20).fill(20)), 4)).toBe(20);
    const risen = baselineAfter(baseline, windowOf(Array(20).fill(200)), 40);
    expect(risen).toBeGreaterThan(20);
    expect(risen).toBeLessThanOrEqual(20 * 1.005 ** 40 + 1e-9);
  });

  it('begins again when its instance is gone', () => {
    const baseline = make();
    baselineAfter(baseline, windowOf(Array(20).fill(40)), 4);
    baseline.forget(0);
    expect(baselineAfter(baseline, windowOf([]), 4)).toBe(SERVICE_MS);
  });

  it('is not made of failures', () => {
    expect(baselineAfter(make(), windowOf(Array(40).fill(FAILURE_MS)), 4)).toBe(SERVICE_MS);
    expect(baselineAfter(make(), windowOf([...Array(40).fill(30), ...Array(40).fill(FAILURE_MS)]), 4)).toBe(30);
  });

  it('lets the youngest samples speak', () => {
    expect(baselineAfter(make(), windowOf([...Array(500).fill(5), ...Array(128).fill(50)]), 1)).toBe(50);
  });
});
