import { describe, expect, it } from 'vitest';
import { createRng, type Rng } from '../../../src/core/rng.ts';
import {
  findBestSplit,
  type SplitProblem,
  successRateOf,
  UTILISATION_POINTS,
  UTILISATION_STEP,
} from '../../../src/sim/oracle/best-split.ts';

/** Success that falls with load as that of a queue does: by 1 − exp(−slack · (1 − u)), and hardly any beyond capacity. */
function curveOf(slack: number): Float64Array {
  return Float64Array.from({ length: UTILISATION_POINTS }, (_, at) => {
    const utilisation = at * UTILISATION_STEP;
    return slack <= 0 ? 0 : utilisation < 1 ? 1 - Math.exp(-slack * (1 - utilisation)) : 0.02;
  });
}

function randomProblem(rng: Rng, balancers: number, instances: number, load: number): SplitProblem {
  const capacities = Float64Array.from({ length: instances }, () => 20 + 180 * rng.next());
  const total = capacities.reduce((sum, capacity) => sum + capacity, 0);
  const parts = Float64Array.from({ length: balancers }, () => 0.2 + rng.next());
  const all = parts.reduce((sum, part) => sum + part, 0);
  return {
    rates: parts.map((part) => (load * total * part) / all),
    capacities,
    instances: Array.from(parts, () => Array.from({ length: instances }, (_, i) => i)),
    curves: Array.from(parts, () => Array.from({ length: instances }, () => curveOf(14 * rng.next() - 2))),
  };
}

/** Every way to give `steps` parts to `places`. */
function* grid(places: number, steps: number): Generator<number[]> {
  if (places === 1) yield [steps];
  else
    for (let first = 0; first <= steps; first++)
      for (const rest of grid(places - 1, steps - first)) yield [first, ...rest];
}

function bruteForce(problem: SplitProblem, steps: number): number {
  const rows = [...grid(problem.capacities.length + 1, steps)];
  const combine = (b: number): number[][][] =>
    b === problem.rates.length ? [[]] : combine(b + 1).flatMap((rest) => rows.map((row) => [row, ...rest]));
  return combine(0).reduce((best, parts) => {
    const shares = parts.map((row, b) =>
      Float64Array.from(row, (part) => (part / steps) * (problem.rates[b] as number)),
    );
    return Math.max(best, successRateOf(problem, shares));
  }, 0);
}

describe('the best split', () => {
  it.each([
    { balancers: 1, instances: 3, steps: 20 },
    { balancers: 2, instances: 2, steps: 15 },
    { balancers: 3, instances: 2, steps: 6 },
  ])(
    'is at least the best on a grid: $balancers load balancers, $instances instances',
    ({ balancers, instances, steps }) => {
      const rng = createRng(5);
      for (const load of [0.3, 0.7, 0.95, 1.3, 2.5]) {
        for (let world = 0; world < 4; world++) {
          const problem = randomProblem(rng, balancers, instances, load);
          const total = problem.rates.reduce((sum, rate) => sum + rate, 0);
          // A tenth of a point for the last part that moves as a whole.
          expect(findBestSplit(problem).successRate).toBeGreaterThan(bruteForce(problem, steps) - 0.001 * total);
        }
      }
    },
  );

  it('finds four good instances among a hundred', () => {
    const good = new Set([49, 56, 58, 80]);
    const problem: SplitProblem = {
      rates: Float64Array.of(40),
      capacities: Float64Array.from({ length: 100 }, (_, i) => (good.has(i) ? 66 : 5)),
      instances: [Array.from({ length: 100 }, (_, i) => i)],
      curves: [Array.from({ length: 100 }, (_, i) => curveOf(good.has(i) ? 10 : 0.02))],
    };
    expect(findBestSplit(problem).successRate).toBeGreaterThan(39.9);
  });

  it('refuses what would only make all others late', () => {
    const problem: SplitProblem = {
      rates: Float64Array.of(100, 100),
      capacities: Float64Array.of(100),
      instances: [[0], [0]],
      curves: [[curveOf(10)], [curveOf(10)]],
    };
    const { shares, successRate } = findBestSplit(problem);
    expect(successRate).toBeGreaterThan(60);
    expect(shares.reduce((sum, row) => sum + (row.at(-1) as number), 0)).toBeGreaterThan(100);
  });

  it('sends everything somewhere while capacity suffices', () => {
    const problem = randomProblem(createRng(9), 4, 3, 0.4);
    const curves = problem.curves.map((row) => row.map(() => curveOf(10)));
    const refused = findBestSplit({ ...problem, curves }).shares.map((row) => row.at(-1));
    expect(refused).toEqual([0, 0, 0, 0]);
  });
});
