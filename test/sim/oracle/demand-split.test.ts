// The split under several demands, against every split of small worlds.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UTILISATION_POINTS } from '../../../src/sim/oracle/best-split.ts';
import { type Demand, type DemandProblem, findDemandSplit } from '../../../src/sim/oracle/demand-split.ts';

const flat = (value: number): Float64Array => new Float64Array(UTILISATION_POINTS).fill(value);
/** Worth `value` up to a utilisation of 0.9, nothing beyond. */
const upTo90 = (value: number): Float64Array => flat(value).map((each, at) => (at <= 18 ? each : 0));

const demand = (least: number, values: readonly number[], balancers = 1, curve = flat): Demand => ({
  least,
  values: Array.from({ length: balancers }, () => values.map(curve)),
});

const ONE = { rates: [100], instances: [[0, 1]], costs: [1, 1] };

describe('the split under several demands', () => {
  it('gives the second demand what the first one leaves', () => {
    // The accurate one answers half of its requests in time, so that 80 % in time allow for two fifths of them.
    const inTime = demand(0.8, [0.5, 1]);
    const accurate = demand(0.8, [1, 0]);
    const { shares, met } = findDemandSplit({ ...ONE, capacities: [1000, 1000], demands: [inTime, accurate] });
    expect(shares[0]?.[0]).toBeCloseTo(40, 6);
    expect(shares[0]?.[1]).toBeCloseTo(60, 6);
    expect(met[0]).toBeCloseTo(1, 6);
    expect(met[1]).toBeCloseTo(0.5, 6);
  });

  it('saves only what no demand needs', () => {
    const { shares } = findDemandSplit({
      ...ONE,
      capacities: [1000, 1000],
      costs: [3, 1],
      demands: [demand(0.25, [1, 0])],
    });
    expect([...(shares[0] ?? [])].map(Math.round)).toEqual([25, 75, 0]);
  });

  it('fills an instance only as far as it still answers in time', () => {
    const inTime = demand(0.9, [1, 0], 1, upTo90);
    const { shares, met } = findDemandSplit({ ...ONE, capacities: [100, 1000], demands: [inTime] });
    expect(shares[0]?.[0]).toBeCloseTo(90, 6);
    expect(met).toEqual([1]);
  });

  it('refuses what nothing can carry', () => {
    const { shares } = findDemandSplit({ ...ONE, instances: [[0]], capacities: [60], demands: [demand(0.9, [1])] });
    expect(shares[0]?.[1]).toBeCloseTo(40, 6);
  });

  it('is as good as the best of all splits in tenths', () => {
    const value = fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10);
    const worlds = fc.record({
      inTime: fc.array(value, { minLength: 4, maxLength: 4 }),
      fits: fc.tuple(fc.boolean(), fc.boolean()),
      capacities: fc.tuple(fc.integer({ min: 2, max: 20 }), fc.integer({ min: 2, max: 20 })),
      least: fc.tuple(value, value),
    });
    fc.assert(
      fc.property(worlds, ({ inTime, fits, capacities, least }) => {
        const rows = [inTime.slice(0, 2), inTime.slice(2)];
        const demands: Demand[] = [
          { least: least[0], values: rows.map((row) => row.map(flat)) },
          demand(least[1], fits.map(Number), 2),
        ];
        const problem: DemandProblem = {
          rates: [10, 10],
          capacities,
          instances: [
            [0, 1],
            [0, 1],
          ],
          costs: [1, 1],
          demands,
        };
        const { met } = findDemandSplit(problem);
        let best = [0, 0];
        for (let one = 0; one <= 10; one++) {
          for (let other = 0; other <= 10; other++) {
            const split = [
              [one, 10 - one],
              [other, 10 - other],
            ];
            if ([0, 1].some((m) => (split[0]?.[m] as number) + (split[1]?.[m] as number) > capacities[m as 0 | 1]))
              continue;
            const now = demands.map(({ least, values }) => metBy(split, least, values));
            if ((now[0] as number) > (best[0] as number) + 1e-9) best = now;
            else if (
              Math.abs((now[0] as number) - (best[0] as number)) < 1e-9 &&
              (now[1] as number) > (best[1] as number)
            )
              best = now;
          }
        }
        expect(met[0]).toBeGreaterThan((best[0] as number) - 0.01);
        if (Math.abs((met[0] as number) - (best[0] as number)) < 1e-6) {
          expect(met[1]).toBeGreaterThan((best[1] as number) - 0.03);
        }
      }),
      { numRuns: 25 },
    );
  });
});

function metBy(split: readonly (readonly number[])[], least: number, values: Demand['values']): number {
  if (least === 0) return 1;
  const got = split.map((row, b) =>
    Math.min(
      10 * least,
      row.reduce((sum, rate, m) => sum + rate * (values[b]?.[m]?.[0] as number), 0),
    ),
  );
  return got.reduce((sum, each) => sum + each, 0) / (20 * least);
}
