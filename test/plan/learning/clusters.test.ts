import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/core/rng.ts';
import { anneal } from '../../../src/plan/learning/annealing.ts';
import { cheapestAssignment } from '../../../src/plan/learning/assignment.ts';
import { leastDivergence, meanDivergence } from '../../../src/plan/learning/clusters.ts';
import { type ClassCounts, countClasses } from '../../../src/plan/learning/divergence.ts';
import { clusterSizes, forEachPartition, partitionCount } from '../../../src/plan/learning/partitions.ts';

/** Clients with three of `classes` classes each. */
function drawn(seed: number, clients: number, classes = 10): ClassCounts {
  const rng = createRng(seed);
  return countClasses(
    Array.from({ length: clients }, (_, i) => ({
      id: `c${i}`,
      role: 'client' as const,
      costs: new Map(),
      samples: new Map([1_000, 10_000, 20_000].map((count) => [String(Math.floor(rng.next() * classes)), count])),
    })),
  );
}

describe('partitions', () => {
  it.each([
    [[3, 3], 10],
    [[3, 2], 10],
    [[2, 2, 1], 15],
    [[2, 2, 2], 15],
    [[5], 1],
  ])('of sizes %j are all visited, each once', (sizes, count) => {
    const seen = new Set<string>();
    let visits = 0;
    forEachPartition(sizes, {
      cluster: (_, sum) => sum + 1,
      whole: (clusters, sum) => {
        visits++;
        expect(sum).toBe(sizes.length);
        seen.add(JSON.stringify(clusters.map((members) => [...members].sort()).sort()));
      },
    });
    expect({ visits, distinct: seen.size, counted: partitionCount(sizes) }).toEqual({
      visits: count,
      distinct: count,
      counted: count,
    });
  });

  it('have sizes that differ by one at the most, the larger first', () => {
    expect(clusterSizes(11, 3)).toEqual([4, 4, 3]);
  });
});

describe('the cheapest assignment', () => {
  it('is that of all permutations', () => {
    const rng = createRng(4);
    for (let round = 0; round < 50; round++) {
      const cost = Array.from({ length: 4 }, () => Array.from({ length: 5 }, () => Math.floor(rng.next() * 20)));
      const columns = cheapestAssignment(cost) ?? [];
      expect(new Set(columns).size).toBe(4);
      expect(columns.reduce((sum, column, row) => sum + (cost[row]?.[column] ?? 0), 0)).toBe(leastSum(cost, 0, []));
    }
  });

  it('is none where two rows have only the same column', () => {
    const none = Number.POSITIVE_INFINITY;
    expect(
      cheapestAssignment([
        [1, none],
        [2, none],
      ]),
    ).toBeNull();
  });
});

function leastSum(cost: readonly (readonly number[])[], row: number, taken: readonly number[]): number {
  const costs = cost[row];
  if (costs === undefined) return 0;
  return Math.min(
    ...costs.map((one, column) =>
      taken.includes(column) ? Number.POSITIVE_INFINITY : one + leastSum(cost, row + 1, [...taken, column]),
    ),
  );
}

describe('clusters', () => {
  it('found by annealing are those of the exhaustive search where there are few', () => {
    for (const seed of [1, 2, 3]) {
      const counts = drawn(seed, 9);
      const exhaustive = leastDivergence({ counts, cost: flat(9, 3), aggregators: 3, seed })?.divergence;
      let annealed = Number.POSITIVE_INFINITY;
      anneal(counts, [3, 3, 3], {
        seed,
        offer: (clusterOf) => {
          const clusters = [0, 1, 2].map((k) => [...clusterOf.keys()].filter((client) => clusterOf[client] === k));
          annealed = Math.min(annealed, meanDivergence(clusters, counts));
        },
      });
      expect(annealed).toBeCloseTo(exhaustive ?? Number.NaN, 10);
    }
  });

  it('are the same for the same seed, and far better than drawn ones, among many clients', () => {
    const task = { counts: drawn(5, 16), cost: flat(16, 4), aggregators: 4, seed: 7 };
    const clustering = leastDivergence(task);
    expect(leastDivergence(task)).toEqual(clustering);
    expect(clustering?.clusters.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, i) => i));
    const inOrder = [0, 1, 2, 3].map((k) => Array.from({ length: 4 }, (_, i) => 4 * k + i));
    expect(clustering?.divergence).toBeLessThan(0.6 * meanDivergence(inOrder, task.counts));
  });
});

const flat = (clients: number, aggregators: number): number[][] =>
  Array.from({ length: clients }, () => new Array<number>(aggregators).fill(1));
