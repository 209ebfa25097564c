import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latencyDensity, silvermanBandwidthMs, successProbability } from '../../../src/core/stats/kde.ts';
import { LatencyWindow } from '../../../src/core/stats/latency-window.ts';

const someLatencies = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.double({ min: 0, max: 300, noNaN: true }) },
    { weight: 1, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
  ),
  { minLength: 1, maxLength: 60 },
);

function windowOf(latenciesMs: readonly number[]): LatencyWindow {
  const window = new LatencyWindow(10_000);
  for (const latencyMs of latenciesMs) window.push(0, latencyMs);
  return window;
}

/** ∫ of the density up to the limit by Simpson's rule, from 9 bandwidths below the least sample. */
function integrate(window: LatencyWindow, limitMs: number, bandwidthMs: number): number {
  const fromMs = -9 * bandwidthMs;
  const steps = 2 * Math.ceil((limitMs - fromMs) / bandwidthMs / 0.2);
  const stepMs = (limitMs - fromMs) / steps;
  const grid = Array.from({ length: steps + 1 }, (_, i) => fromMs + i * stepMs);
  const density = latencyDensity(window, grid, { bandwidthMs, shiftMs: 0 }) ?? [];
  return density.reduce((sum, d, i) => sum + d * (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2), 0) * (stepMs / 3);
}

describe('kernel density estimate', () => {
  it('equals the numeric integral of its own kernel up to the limit, failures included', () => {
    fc.assert(
      fc.property(someLatencies, fc.double({ min: 1, max: 200, noNaN: true }), (latencies, limitMs) => {
        const window = windowOf(latencies);
        const bandwidthMs = silvermanBandwidthMs(window);
        // 1e-5: the table of Φ errs by 5e-7, Simpson at a fifth of a bandwidth by less than 1e-5.
        expect(
          Math.abs(successProbability(window, limitMs, bandwidthMs) - integrate(window, limitMs, bandwidthMs)),
        ).toBeLessThan(1e-5);
      }),
    );
  });

  it('never falls as the limit grows, and stays within [0, 1]', () => {
    fc.assert(
      fc.property(
        someLatencies,
        fc.uniqueArray(fc.double({ min: 0, max: 400, noNaN: true }), { minLength: 2 }),
        (latencies, limits) => {
          const window = windowOf(latencies);
          const bandwidthMs = silvermanBandwidthMs(window);
          const estimates = limits
            .sort((a, b) => a - b)
            .map((limitMs) => successProbability(window, limitMs, bandwidthMs));
          estimates.forEach((estimate, i) => {
            expect(estimate).toBeGreaterThanOrEqual(estimates[i - 1] ?? 0);
            expect(estimate).toBeLessThanOrEqual(1);
          });
        },
      ),
    );
  });

  it('counts a failure as never in time', () => {
    const window = windowOf([10, 10, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect(successProbability(window, 80, silvermanBandwidthMs(window))).toBeCloseTo(0.5, 12);
  });

  it("uses Silverman's bandwidth, and 1 ms at the least", () => {
    expect(silvermanBandwidthMs(windowOf([10, 10, 10]))).toBe(1);
    const latencies = [10, 30, 50, 70, 90];
    const deviation = Math.sqrt(1000);
    expect(silvermanBandwidthMs(windowOf(latencies))).toBeCloseTo(1.06 * deviation * 5 ** -0.2, 9);
  });

  it('says nothing of an empty window', () => {
    expect(successProbability(windowOf([]), 80, 1)).toBeNaN();
    expect(latencyDensity(windowOf([]), [1, 2], { bandwidthMs: 1, shiftMs: 0 })).toBeNull();
  });
});
