import { describe, expect, it } from 'vitest';
import { WindowCounts } from '../../../src/core/stats/window-counts.ts';

describe('counts over a sliding window', () => {
  it('covers between 15/16 of the window and all of it', () => {
    const counts = new WindowCounts(1_600, 1);
    for (let nowMs = 0; nowMs < 5_000; nowMs += 7) {
      expect(counts.coveredMs(nowMs)).toBeGreaterThanOrEqual(1_500);
      expect(counts.coveredMs(nowMs)).toBeLessThan(1_600);
    }
  });

  it('gives the true rate of a steady stream whenever it is read', () => {
    const counts = new WindowCounts(10_000, 1);
    const perSecond: number[] = [];
    for (let nowMs = 0; nowMs < 40_000; nowMs += 10) {
      counts.record(0, true, nowMs);
      if (nowMs > 10_000) perSecond.push((counts.total(0, nowMs) * 1000) / counts.coveredMs(nowMs));
    }
    // One request in or out of the oldest bucket is all that can be wrong: 1 in 9,375 ms.
    expect(Math.min(...perSecond)).toBeGreaterThan(99.8);
    expect(Math.max(...perSecond)).toBeLessThan(100.2);
  });

  it('turns what was good into bad where it stands', () => {
    const counts = new WindowCounts(1_600, 1);
    counts.record(0, true, 100);
    counts.record(0, true, 700);
    counts.retract(0, 100, 900);
    expect([counts.good(0, 900), counts.total(0, 900)]).toEqual([1, 2]);
  });

  it('counts a bad one now when the window has passed the good one', () => {
    const counts = new WindowCounts(1_600, 1);
    counts.record(0, true, 100);
    counts.record(0, true, 5_000);
    counts.retract(0, 100, 5_000);
    expect([counts.good(0, 5_000), counts.total(0, 5_000)]).toEqual([1, 2]);
  });
});
