import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/core/rng.ts';
import { backoffMs } from '../../src/placement/backoff.ts';

describe('backoffMs', () => {
  it('doubles its ceiling up to the maximum, however many attempts', () => {
    const last = { next: () => 1 };
    expect([0, 1, 2, 3, 4, 5, 6, 5_000].map((attempt) => backoffMs(attempt, last))).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000,
    ]);
  });

  it('spreads a fleet over the whole time below its ceiling', () => {
    const rng = createRng(11);
    const waits = Array.from({ length: 1_000 }, () => backoffMs(10, rng));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...waits)).toBeLessThanOrEqual(15_000);
    // Uniform over ten bins: 100 expected in each, standard deviation 9.5; 5 deviations.
    const bins = Array.from({ length: 10 }, (_, i) => waits.filter((ms) => Math.floor(ms / 1_500.01) === i).length);
    for (const count of bins) expect(Math.abs(count - 100)).toBeLessThan(48);
  });
});
