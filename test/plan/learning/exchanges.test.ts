import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/core/rng.ts';
import { anneal } from '../../../src/plan/learning/annealing/anneal.ts';
import { descendByExchanges } from '../../../src/plan/learning/annealing/exchanges.ts';
import { meanDivergence } from '../../../src/plan/learning/clusters.ts';
import { type ClassCounts, countClasses } from '../../../src/plan/learning/divergence.ts';

describe('exchanges of groups', () => {
  // Of the first class the first cluster has two samples more than the second. What goes over when two clients change places is one of
  // these differences, or hundreds: one sample, as it should be, is only the sum of all in a row.
  it.each([
    {
      size: 2,
      differences: [
        [7, -6],
        [30, -29],
      ],
    },
    {
      size: 3,
      differences: [
        [7, 12, -18],
        [30, 47, -76],
      ],
    },
  ])('of $size find what smaller ones do not', ({ size, differences }) => {
    const second = [1_000, 1_200, 1_600, 2_400, 4_000, 7_200].slice(0, 2 * size);
    const first = second.map((count, i) => count + (differences.flat()[i] ?? 0));
    const counts = counted([...first, ...second].map((count) => [count, 10_000 - count]));
    const clusterOf = Int32Array.from({ length: 4 * size }, (_, i) => (i < 2 * size ? 0 : 1));
    const start = clusterOf.slice();
    const task = { counts, links: null, rng: createRng(1), looksMax: 1e7 };
    expect(descendByExchanges(clusterOf, { ...task, groupMax: size - 1 })).toBeGreaterThan(1e-10);
    expect(clusterOf).toEqual(start);
    expect(descendByExchanges(clusterOf, { ...task, groupMax: size })).toBeLessThan(1e-15);
    expect(meanDivergence(clustersOf(clusterOf), counts)).toBeLessThan(1e-15);
    expect(clustersOf(clusterOf).map(({ length }) => length)).toEqual([2 * size, 2 * size]);
  });

  it('keep to the links that there are, also of clusters of which some are drawn', () => {
    const counts = drawn(60);
    const clusterOf = Int32Array.from({ length: 60 }, (_, i) => (i < 30 ? 0 : 1));
    const before = meanDivergence(clustersOf(clusterOf), counts);
    const links = {
      start: clusterOf.slice(),
      has: (client: number, k: number) => client % 5 > 0 || k === +(client >= 30),
    };
    const task = { counts, links, rng: createRng(1), groupMax: 3, looksMax: 1e7 };
    const sum = descendByExchanges(clusterOf, task);
    expect(sum / 2).toBeLessThan(before / 10);
    expect(meanDivergence(clustersOf(clusterOf), counts)).toBeCloseTo(sum / 2, 12);
    expect([...clusterOf.entries()].every(([client, k]) => links.has(client, k))).toBe(true);
    expect(clustersOf(clusterOf).map(({ length }) => length)).toEqual([30, 30]);
  });

  it('end the search among many clients lower than its annealings do', () => {
    const counts = drawn(60);
    const clusterOf = anneal(counts, [20, 20, 20], { seed: 1, links: null });
    // The annealings alone end at 2.52e-4.
    expect(meanDivergence(clustersOf(clusterOf), counts)).toBeLessThan(2.4e-4);
  });
});

/** Clients with three of ten classes each, of many sizes. */
function drawn(clients: number): ClassCounts {
  const rng = createRng(2);
  return counted(
    Array.from({ length: clients }, () => {
      const own = new Array<number>(10).fill(0);
      for (let i = 0; i < 3; i++) own[Math.floor(rng.next() * 10)] = 1 + Math.floor(rng.next() * 1_000);
      return own;
    }),
  );
}

function counted(clients: readonly (readonly number[])[]): ClassCounts {
  return countClasses(
    clients.map((counts, i) => ({
      id: `c${i}`,
      role: 'client' as const,
      costs: new Map<string, number>(),
      samples: new Map(counts.map((count, c) => [String(c), count])),
    })),
  );
}

function clustersOf(clusterOf: Int32Array): number[][] {
  const clients = [...clusterOf.keys()];
  return Array.from({ length: Math.max(...clusterOf) + 1 }, (_, k) => clients.filter((one) => clusterOf[one] === k));
}
