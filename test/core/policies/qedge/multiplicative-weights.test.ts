import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stepWeights } from '../../../../src/core/policies/qedge/multiplicative-weights.ts';
import { candidatesAt } from '../../candidates.ts';

const STEP = { stepSeconds: 0.5, learningRate: 1.5, fallMax: 3, riseMax: 0.5, floor: 0.005 };

const someState = fc
  .array(
    fc.record({
      weight: fc.double({ min: 0.001, max: 1, noNaN: true }),
      cost: fc.double({ min: 0, max: 1.2, noNaN: true }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((rows) => {
    const sum = rows.reduce((total, { weight }) => total + weight, 0);
    return { weights: rows.map(({ weight }) => weight / sum), costs: rows.map(({ cost }) => cost) };
  });

function stepped(state: { weights: readonly number[]; costs: readonly number[] }): number[] {
  const weights = Float64Array.from(state.weights);
  stepWeights(candidatesAt(weights.length), { weights, costs: Float64Array.from(state.costs) }, STEP);
  return [...weights];
}

describe('damped multiplicative weights', () => {
  it('sum to 1, and none falls below the floor by more than normalising takes', () => {
    fc.assert(
      fc.property(someState, (state) => {
        const weights = stepped(state);
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
        const least = STEP.floor / weights.length;
        // Before normalising the sum is at most 1 grown by the fastest rise, plus all floors.
        for (const weight of weights)
          expect(weight).toBeGreaterThanOrEqual(least / (Math.exp(0.25) + STEP.floor) - 1e-12);
      }),
    );
  });

  it('move from dear to cheap, and never by more than the damping allows', () => {
    fc.assert(
      fc.property(someState, (state) => {
        const ratios = stepped(state).map((weight, i) => Math.log(weight / (state.weights[i] ?? 1)));
        ratios.forEach((ratio, i) => {
          for (const [j, other] of ratios.entries()) {
            const atFloor = (state.weights[j] ?? 0) < 0.05;
            if ((state.costs[i] ?? 0) < (state.costs[j] ?? 0) && !atFloor)
              expect(ratio).toBeGreaterThanOrEqual(other - 1e-9);
            // Two instances drift apart by the fastest rise and the fastest fall of a step at the most.
            if (!atFloor && (state.weights[i] ?? 0) >= 0.05)
              expect(Math.abs(ratio - other)).toBeLessThanOrEqual(0.25 + 1.5 + 1e-9);
          }
        });
      }),
    );
  });

  it('stay where they are when all cost the same', () => {
    expect(stepped({ weights: [0.5, 0.3, 0.2], costs: [0.4, 0.4, 0.4] })).toEqual([
      expect.closeTo(0.5, 12),
      expect.closeTo(0.3, 12),
      expect.closeTo(0.2, 12),
    ]);
  });
});
