import { describe, expect, it } from 'vitest';
import { distanceKm, EUROPEAN_CITIES } from '../../../src/sim/world/cities.ts';
import { generateTopology, greedyCenters, radiusMs } from '../../../src/sim/world/topology.ts';

const PAPER = { nodes: 30, instances: 10, latencyMsMax: 80, idleProcessingMs: 8 };

describe('generated topologies', () => {
  it('puts an instance in reach of every node, with any seed', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { rttMs, centers } = generateTopology({ ...PAPER, seed });
      expect(new Set(centers).size).toBe(10);
      expect(radiusMs(rttMs, 30, centers)).toBeLessThanOrEqual(72);
    }
  });

  it('puts each instance on the node that is farthest from the instances before it', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { rttMs, centers } = generateTopology({ ...PAPER, seed });
      const nearest = (node: number, before: readonly number[]): number =>
        Math.min(...before.map((center) => rttMs[node * 30 + center] ?? Number.NaN));
      for (let k = 1; k < centers.length; k++) {
        const before = centers.slice(0, k);
        const others = Array.from({ length: 30 }, (_, node) => nearest(node, before));
        expect(nearest(centers[k] ?? -1, before)).toBe(Math.max(...others));
      }
    }
  });

  it('is symmetric, near on the own node, and elsewhere as long as fibre, detours and access take', () => {
    const { nodes, rttMs } = generateTopology({ ...PAPER, seed: 3 });
    const cityOf = (n: number) => EUROPEAN_CITIES.find(({ name }) => name === nodes[n]);
    for (let a = 0; a < 30; a++) {
      expect(rttMs[a * 30 + a]).toBe(0.5);
      for (let b = 0; b < a; b++) {
        const [from, to] = [cityOf(a), cityOf(b)];
        expect(rttMs[a * 30 + b]).toBe(rttMs[b * 30 + a]);
        if (from === undefined || to === undefined) throw new Error('node outside the list of cities');
        // 2·d/200 stretched 1.5 to 2.2 times, 1 to 3 ms, and up to 2 ms of access at either end.
        const fibreMs = (2 * distanceKm(from, to)) / 200;
        expect(rttMs[a * 30 + b]).toBeGreaterThanOrEqual(1.5 * fibreMs + 1);
        expect(rttMs[a * 30 + b]).toBeLessThanOrEqual(2.2 * fibreMs + 3 + 4);
      }
    }
  });

  it('gives each node a name of its own when there are more nodes than cities', () => {
    const { nodes } = generateTopology({ ...PAPER, nodes: 200, instances: 60, seed: 1 });
    expect(new Set(nodes).size).toBe(200);
  });

  it('says so when no topology of the wanted shape exists', () => {
    expect(() => generateTopology({ ...PAPER, instances: 1, latencyMsMax: 20, seed: 1 })).toThrow(/no topology/);
  });
});

describe('greedy k-center', () => {
  it('takes the farthest node each time', () => {
    const at = [0, 1, 5, 9, 10];
    const rttMs = Float64Array.from(at.flatMap((x) => at.map((y) => Math.abs(x - y))));
    expect(greedyCenters(rttMs, { nodes: 5, count: 3, first: 0 })).toEqual([0, 4, 2]);
    expect(radiusMs(rttMs, 5, [0, 4, 2])).toBe(1);
  });
});

describe('distances', () => {
  it('are great circles: Paris to Berlin is 878 km', () => {
    const [paris, berlin] = ['paris', 'berlin'].map((name) => EUROPEAN_CITIES.find((city) => city.name === name));
    if (paris === undefined || berlin === undefined) throw new Error('no such city');
    expect(distanceKm(paris, berlin)).toBeGreaterThan(870);
    expect(distanceKm(paris, berlin)).toBeLessThan(885);
  });
});
