import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencyWindow } from '../../../src/core/stats/latency-window.ts';
import { normalCdf } from '../../../src/core/stats/normal.ts';
import { fade, WeightedKde } from '../../../src/core/stats/weighted-kde.ts';

const OPTIONS = { halfLifeMs: 1500, bandwidthMsMin: 1, bandwidthMsMax: 8, latencyMsMax: 160 };

const someSamples = fc.array(
  fc.record({ gapMs: fc.nat({ max: 400 }), latencyMs: fc.double({ min: 0, max: 240, noNaN: true }) }),
  { minLength: 1, maxLength: 60 },
);

describe('fading weights', () => {
  it('halve every half-life', () => {
    for (let halvings = 0; halvings < 30; halvings += 0.037) {
      expect(Math.abs(fade(halvings) / 2 ** -halvings - 1)).toBeLessThan(2e-5);
    }
    expect([fade(0), fade(1), fade(40), fade(Number.POSITIVE_INFINITY)]).toEqual([1, 0.5, 0, 0]);
  });
});

describe('fading kernel density estimate', () => {
  it('is the weighted sum of the pseudo-code, for any window', () => {
    fc.assert(
      fc.property(someSamples, fc.double({ min: -20, max: 120, noNaN: true }), (samples, limitMs) => {
        const window = new LatencyWindow(10_000);
        const kept: { atMs: number; latencyMs: number }[] = [];
        let atMs = 0;
        for (const { gapMs, latencyMs } of samples) {
          atMs += gapMs;
          window.push(atMs, latencyMs);
          kept.push({ atMs, latencyMs });
        }
        const nowMs = atMs + 100;
        window.expire(nowMs);
        const inside = kept.filter((sample) => nowMs - sample.atMs <= 10_000);
        const weights = inside.map((sample) => 2 ** (-(nowMs - sample.atMs) / 1500));
        const weight = weights.reduce((sum, a) => sum + a, 0);
        const sumOf = (value: (latencyMs: number) => number): number =>
          inside.reduce((sum, { latencyMs }, i) => sum + (weights[i] ?? 0) * value(latencyMs), 0);
        const mean = sumOf((x) => x) / weight;
        const deviation = Math.sqrt(sumOf((x) => (x - mean) ** 2) / weight);
        const h = Math.min(8, Math.max(1, 1.06 * deviation * weight ** -0.2));

        const kde = new WeightedKde(OPTIONS);
        kde.measure(window, limitMs, nowMs);
        expect(kde.weight).toBeCloseTo(weight, 2);
        // 1e-3: both tables err by parts in 1e-5 of a weight, of which there are at most sixty.
        expect(Math.abs(kde.bandwidthMs - h)).toBeLessThan(1e-3);
        expect(Math.abs(kde.successWeight - sumOf((x) => normalCdf((limitMs - x) / h)))).toBeLessThan(5e-3);
        expect(Math.abs(kde.latencySumMs - sumOf((x) => Math.min(x, 160)))).toBeLessThan(0.2);
      }),
    );
  });

  it('is worth nothing without samples', () => {
    const kde = new WeightedKde(OPTIONS);
    kde.measure(new LatencyWindow(10_000), 80, 5);
    expect([kde.weight, kde.successWeight, kde.latencySumMs]).toEqual([0, 0, 0]);
  });
});
