import { describe, expect, it } from 'vitest';
import { distanceKm, EUROPEAN_CITIES } from '../../src/sim/cities.ts';
import { generateTopology, greedyCenters, radiusMs } from '../../src/sim/topology.ts';

const PAPER = { nodes: 30, instances: 10, latencyMsMax: 80, idleProcessingMs: 8 };

describe('generated topologies', () => {
  it('puts an instance in reach of every node, whatever the seed', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { rttMs, centers } = generateTopology({ ...PAPER, seed });
      expect(new Set(centers).size).toBe(10);
      expect(radiusMs(rttMs, 30, centers)).toBeLessThanOrEqual(72);
    }
  });

  it('is symmetric, near on the own node, and never faster than light in fibre', () => {
    const { nodes, rttMs } = generateTopology({ ...PAPER, seed: 3 });
    const cityOf = (n: number) => EUROPEAN_CITIES.find(({ name }) => name === nodes[n]);
    for (let a = 0; a < 30; a++) {
      expect(rttMs[a * 30 + a]).toBe(0.5);
      for (let b = 0; b < a; b++) {
        const [from, to] = [cityOf(a), cityOf(b)];
        expect(rttMs[a * 30 + b]).toBe(rttMs[b * 30 + a]);
        if (from === undefined || to === undefined) throw new Error('node outside the list of cities');
        expect(rttMs[a * 30 + b]).toBeGreaterThan((2 * distanceKm(from, to)) / 200);
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
    expect(greedyCenters(rttMs, 5, 3, 0)).toEqual([0, 4, 2]);
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
