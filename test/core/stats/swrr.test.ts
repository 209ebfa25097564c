import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Swrr } from '../../../src/core/stats/swrr.ts';
import { candidatesAt } from '../candidates.ts';

const someWeights = fc
  .array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 12 })
  .filter((weights) => weights.some((w) => w > 0));

function picksOf(weights: readonly number[], count: number): number[] {
  const swrr = new Swrr();
  swrr.ensureHandles(weights.length);
  const candidates = candidatesAt(weights.length);
  const byHandle = Float64Array.from(weights);
  return Array.from({ length: count }, () => swrr.pick(candidates, byHandle)?.handle ?? -1);
}

describe('smooth weighted round robin', () => {
  it('gives each candidate exactly its weight over Σw picks, cycle after cycle', () => {
    fc.assert(
      fc.property(someWeights, fc.integer({ min: 1, max: 3 }), (weights, cycles) => {
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const picks = picksOf(weights, total * cycles);
        weights.forEach((weight, handle) => {
          expect(picks.filter((pick) => pick === handle)).toHaveLength(weight * cycles);
        });
      }),
    );
  });

  it('never lets a candidate run ahead of its share by a full pick', () => {
    fc.assert(
      fc.property(someWeights, (weights) => {
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const had = weights.map(() => 0);
        picksOf(weights, 2 * total).forEach((pick, i) => {
          had[pick] = (had[pick] ?? 0) + 1;
          const share = ((i + 1) * (weights[pick] ?? 0)) / total;
          expect(had[pick]).toBeLessThan(share + 1);
        });
      }),
    );
  });

  it("has no burst longer than a candidate's share of a cycle while another has one, also across cycles", () => {
    const several = someWeights.filter((weights) => weights.filter((weight) => weight > 0).length > 1);
    fc.assert(
      fc.property(several, (weights) => {
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        let burst = 0;
        let before = -1;
        for (const pick of picksOf(weights, 3 * total)) {
          burst = pick === before ? burst + 1 : 1;
          before = pick;
          expect(burst).toBeLessThanOrEqual(weights[pick] ?? 0);
        }
      }),
    );
  });

  it('picks in the order that nginx documents', () => {
    expect(picksOf([5, 1, 1], 7)).toEqual([0, 0, 1, 0, 2, 0, 0]);
  });

  it('never picks a candidate without a weight, and none when none has one', () => {
    expect(picksOf([0, 3, 0], 6)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(picksOf([0, 0], 1)).toEqual([-1]);
  });

  it('holds its shares with fractional weights', () => {
    const weights = [0.61, 0.27, 0.12];
    const picks = picksOf(weights, 1000);
    weights.forEach((weight, handle) => {
      const had = picks.filter((pick) => pick === handle).length;
      expect(Math.abs(had - 1000 * weight)).toBeLessThan(2);
    });
  });
});
