import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/core/rng.ts';
import { anneal } from '../../../src/plan/learning/annealing/anneal.ts';
import { cheapestAssignment } from '../../../src/plan/learning/assignment.ts';
import { leastCost, leastDivergence, meanDivergence } from '../../../src/plan/learning/clusters.ts';
import { type ClassCounts, countClasses } from '../../../src/plan/learning/divergence.ts';
import { clusterSizes, forEachPartition, partitionCount } from '../../../src/plan/learning/partitions.ts';
import { cheapestClusters } from '../../../src/plan/learning/transport.ts';

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
    [new Array<number>(40).fill(1), 1],
    [[2, ...new Array<number>(18).fill(1)], 190],
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

describe('the cheapest clusters', () => {
  it('are those of the assignment to each place, also where links are missing', () => {
    const rng = createRng(11);
    const drawCost = (): number => (rng.next() < 0.3 ? Number.POSITIVE_INFINITY : Math.floor(rng.next() * 20));
    const sumOf = (cost: number[][], clusters: number[][] | null): number | undefined =>
      clusters?.flatMap((members, k) => members.map((client) => cost[client]?.[k] ?? 0)).reduce((a, b) => a + b, 0);
    for (let round = 0; round < 200; round++) {
      const cost = Array.from({ length: 7 }, () => Array.from({ length: 3 }, drawCost));
      const wide = cost.map((row) => [...row, ...row, ...row]);
      const columns = cheapestAssignment(wide);
      const expected = columns?.reduce((sum, column, row) => sum + (wide[row]?.[column] ?? 0), 0);
      expect(sumOf(cost, cheapestClusters(cost, { places: 3, extras: 0 }))).toBe(expected);
      // Of equal size: the seventh client is the third at one of the aggregators.
      const each = [0, 1, 2].map((k) => cheapestAssignment(cost.map((row) => [...row, ...row, row[k] as number])));
      const sums = each.map((found, k) =>
        found?.reduce((sum, column, row) => sum + (cost[row]?.[column === 6 ? k : column % 3] ?? 0), 0),
      );
      const least = Math.min(...sums.map((sum) => sum ?? Number.POSITIVE_INFINITY));
      const equal = cheapestClusters(cost, { places: 2, extras: 1 });
      expect(sumOf(cost, equal) ?? Number.POSITIVE_INFINITY).toBe(least);
    }
  });

  it('of thousands of clients are found at once', () => {
    const clients = 4_000;
    const cost = Array.from({ length: clients }, (_, i) => [(i * 7) % 1_000, (i * 13) % 1_000]);
    const { clusters } = leastCost({ counts: drawn(1, clients), cost, aggregators: 2, seed: 1 }) ?? { clusters: [] };
    expect(clusters.map(({ length }) => length)).toEqual([2_000, 2_000]);
  });
});

describe('clusters', () => {
  it('found by annealing keep to the links that there are', () => {
    const none = Number.POSITIVE_INFINITY;
    const cost = Array.from({ length: 30 }, (_, i) => [0, 1, 2].map((k) => (i % 3 === k ? none : 1 + (i % 5))));
    const counts = drawn(3, 30);
    const clusters = leastDivergence({ counts, cost, aggregators: 3, seed: 1 })?.clusters ?? [];
    expect(clusters.map(({ length }) => length)).toEqual([10, 10, 10]);
    expect(clusters.every((members, k) => members.every((client) => cost[client]?.[k] !== none))).toBe(true);
    const cheapest = leastCost({ counts, cost, aggregators: 3, seed: 1 })?.clusters ?? [];
    expect(meanDivergence(clusters, counts)).toBeLessThan(meanDivergence(cheapest, counts));
  });

  it('are the same with a class that no client has samples of', () => {
    const clients = [1, 2, 3].map((i) => ({
      id: `c${i}`,
      role: 'client' as const,
      costs: new Map<string, number>(),
      samples: new Map([[`${i % 2}`, 10 + i]]),
    }));
    const unused = clients.map((client) => ({ ...client, samples: new Map([['x', 0], ...client.samples]) }));
    expect(countClasses(unused)).toEqual(countClasses(clients));
  });

  it('found by annealing are those of the exhaustive search where there are few', () => {
    for (const seed of [1, 2, 3]) {
      const counts = drawn(seed, 9);
      const exhaustive = leastDivergence({ counts, cost: flat(9, 3), aggregators: 3, seed })?.divergence;
      const clusterOf = anneal(counts, [3, 3, 3], { seed, links: null });
      const clusters = [0, 1, 2].map((k) => [...clusterOf.keys()].filter((client) => clusterOf[client] === k));
      expect(meanDivergence(clusters, counts)).toBeCloseTo(exhaustive ?? Number.NaN, 10);
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

describe('clients with few samples', () => {
  it('are divided by their classes though another one has a billion times as many', () => {
    const client = (id: string, samples: readonly [string, number][]) => ({
      id,
      role: 'client' as const,
      costs: new Map<string, number>(),
      samples: new Map(samples),
    });
    const few = Array.from({ length: 24 }, (_, i) => client(`c${i}`, [[i < 12 ? 'a' : 'b', 100]]));
    const many = client('many', [
      ['a', 5e11],
      ['b', 5e11],
    ]);
    const counts = countClasses([...few, many]);
    const sizes = [3, ...new Array<number>(11).fill(2)];
    const clusters: number[][] = sizes.map(() => []);
    for (const [one, cluster] of anneal(counts, sizes, { seed: 1, links: null }).entries())
      clusters[cluster]?.push(one);
    expect(meanDivergence(clusters, counts)).toBeLessThan(0.01);
  });
});
