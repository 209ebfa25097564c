import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../../src/core/domain.ts';
import { shrinkageOf } from '../../../../src/core/policies/qedge/shrinkage.ts';

const RHO = 0.9;

/** As many instances as shares, each with this much evidence. */
function shrink(success: readonly number[], evidence: number) {
  const members = success.map((_, handle) => ({ handle }) as Candidate);
  const shares = { success: Float64Array.from(success), evidence: new Float64Array(success.length).fill(evidence) };
  return shrinkageOf(members, shares, RHO);
}

describe('differences between instances', () => {
  it('are nothing where chance explains them', () => {
    const { mean, kept } = shrink([0.7, 0.8, 0.6, 0.75, 0.65], 15);
    expect(mean).toBeCloseTo(0.7, 9);
    expect(kept).toBe(0);
  });

  it('are believed where it does not', () => {
    expect(shrink([1, 1, 0, 1, 1], 15).kept).toBeGreaterThan(0.8);
  });

  it('are believed the more, the more was seen', () => {
    const kept = [20, 50, 200].map((evidence) => shrink([0.8, 0.7, 0.55, 0.8, 0.75], evidence).kept);
    expect(kept[0]).toBe(0);
    expect(kept[1]).toBeGreaterThan(0);
    expect(kept[2]).toBeGreaterThan(kept[1] as number);
  });

  it('are believed as they are while nearly all requests succeed', () => {
    expect(shrink([1, 1, 0.97, 1, 1], 20).kept).toBeGreaterThan(0.95);
  });

  it('are none among equals, or for one alone', () => {
    expect(shrink([0.5, 0.5, 0.5], 10).kept).toBe(1);
    expect(shrink([0.5], 10)).toEqual({ mean: 0.5, kept: 1 });
  });
});
