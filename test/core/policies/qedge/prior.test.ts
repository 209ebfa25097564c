import { describe, expect, it } from 'vitest';
import { scaleTo } from '../../../../src/core/policies/qedge/options.ts';
import { priorSuccess, startWeight } from '../../../../src/core/policies/qedge/prior.ts';
import { UnloadedLatency } from '../../../../src/core/policies/qedge/unloaded-latency.ts';

describe('reach', () => {
  it('believes less the farther away, and half where nothing is left', () => {
    const at = (rttMs: number) => priorSuccess({ rttMs, latencyMs: 80, unloadedMs: 10 }, scaleTo(80));
    expect(at(60)).toBeCloseTo(0.5, 6);
    expect(at(20)).toBeGreaterThan(0.999);
    expect(at(75)).toBeLessThan(0.01);
  });

  it('starts with more for the near, three times that for the own node', () => {
    expect([1, 52, 62, 72, 100].map((rttMs) => startWeight(rttMs, 80, false))).toEqual([1, 1, 0.5, 0.001, 0.001]);
    expect(startWeight(0.5, 80, true)).toBe(3);
  });

  it("has the study's latencies at τ = 80 ms, and in proportion elsewhere", () => {
    expect(scaleTo(80)).toEqual({
      unloadedMs: 8,
      priorMarginMs: 4,
      priorWidthMs: 6,
      bandwidthMsMin: 1,
      bandwidthMsMax: 8,
      lateMs: 80,
      lateMsMax: 4000,
    });
    expect(scaleTo(800)).toMatchObject({ unloadedMs: 80, bandwidthMsMin: 1, bandwidthMsMax: 80, lateMs: 800 });
  });
});

describe('unloaded latency', () => {
  it('is assumed before 20 samples, then their 20 % quantile over the last 512', () => {
    const unloaded = new UnloadedLatency(8);
    for (let i = 1; i < 20; i++) unloaded.observe(i);
    unloaded.refresh();
    expect(unloaded.ms).toBe(8);
    for (let i = 20; i <= 101; i++) unloaded.observe(i);
    unloaded.refresh();
    expect(unloaded.ms).toBe(21);
    for (let i = 0; i < 512; i++) unloaded.observe(50);
    unloaded.refresh();
    expect(unloaded.ms).toBe(50);
  });
});
