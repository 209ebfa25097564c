import { describe, expect, it } from 'vitest';
import { createWorld } from '../../src/sim/world/world.ts';
import { compare, figureIn, steady } from '../bench/worlds/comparison.ts';
import { generateWorld, KINDS, type KindName, seedOf } from '../bench/worlds/kinds.ts';
import { runWorlds } from '../bench/worlds/run.ts';
import { tightnessOf } from '../bench/worlds/tightness.ts';

const NAMES = Object.keys(KINDS) as KindName[];

describe('tightness', () => {
  it('is the load of the tightest region over the capacity in its reach, not that of the whole', () => {
    const reach = { capacities: [100, 100], inReach: [[0], [0, 1], [1]] };
    expect(tightnessOf({ ...reach, loads: [50, 20, 30] })).toBeCloseTo(0.5, 6);
    expect(tightnessOf({ ...reach, loads: [90, 10, 20] })).toBeCloseTo(0.9, 6);
    expect(tightnessOf({ ...reach, loads: [110, 50, 120] })).toBeCloseTo(1.4, 6);
  });

  it('sees that load moves over a chain of load balancers to where capacity is free', () => {
    const inReach = [[0], [0, 1], [1, 2], [2, 3]];
    const capacities = [100, 100, 100, 100];
    expect(tightnessOf({ capacities, inReach, loads: [80, 80, 80, 80] })).toBeCloseTo(0.8, 6);
    expect(tightnessOf({ capacities: [100, 100, 100, 20], inReach, loads: [80, 80, 80, 80] })).toBeCloseTo(1, 6);
  });

  it('is infinite where nothing is in reach', () => {
    expect(tightnessOf({ capacities: [100], inReach: [[0], []], loads: [1, 1] })).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('the generator of worlds', () => {
  it.each(NAMES)('draws the same world from the same seed, and another from another: %s', (kind) => {
    const [first, again, other] = [generateWorld(kind, 1), generateWorld(kind, 1), generateWorld(kind, 2)];
    expect(again).toEqual(first);
    expect(other.scenario.topology).not.toEqual(first.scenario.topology);
  });

  it('keeps seeds to tune on and seeds to judge by apart', () => {
    const last = seedOf('train', 100_000);
    expect(last).toBeLessThan(seedOf('test', 0));
  });

  it('draws worlds within what was asked for', () => {
    const worlds = Array.from({ length: 40 }, (_, seed) => generateWorld('mixed', seed));
    for (const { scenario, tightness, demandRate } of worlds) {
      const { balancers, instances } = createWorld(scenario, 1);
      expect(instances.length).toBeGreaterThanOrEqual(3);
      expect(instances.length).toBeLessThanOrEqual(100);
      expect(balancers.length).toBeLessThanOrEqual(200);
      expect(tightness).toBeGreaterThanOrEqual(0.6);
      expect(tightness).toBeLessThanOrEqual(1.3);
      expect(demandRate / balancers.length).toBeGreaterThan(0.09);
    }
    const alone = worlds.filter(({ traits }) => traits.includes('alone')).length;
    // Binomial(40, 1/3): three standard deviations are 9.
    expect(Math.abs(alone - 40 / 3)).toBeLessThan(9);
  });

  it('draws worlds in which something always moves, as loaded in the mean as it says', () => {
    const worlds = Array.from({ length: 60 }, (_, seed) => generateWorld('moving', seed));
    for (const { scenario, tightness, demandRate } of worlds) {
      const { instances, clients } = createWorld(scenario, 1);
      expect(tightness).toBeGreaterThanOrEqual(0.4);
      expect(tightness).toBeLessThanOrEqual(0.95);
      expect(demandRate).toBeGreaterThan(2);
      expect(clients.length).toBeGreaterThan(0);
      const kinds = scenario.events.map(({ kind }) => kind);
      expect(instances.filter(({ fromStart }) => !fromStart).length).toBe(
        kinds.filter((kind) => kind === 'join').length,
      );
      expect(kinds.filter((kind) => kind === 'leave').length).toBe(kinds.filter((kind) => kind === 'join').length);
    }
    const traits = new Set(worlds.flatMap((world) => world.traits));
    for (const trait of ['alone', 'alone among many', 'handful', 'little each', 'star', 'line', 'ring', 'clusters'])
      expect(traits).toContain(trait);
    for (const trait of ['levels', 'visitors', 'sizes', 'rack', 'warm-up', 'come and go', 'cores'])
      expect(traits).toContain(trait);
  });

  it('counts clients that come or go in what a world asks for by the time that they are there', () => {
    const [world] = Array.from({ length: 60 }, (_, seed) => generateWorld('moving', seed)).filter(({ traits }) =>
      traits.includes('visitors'),
    );
    const { clients = [], durationMs = 0 } = world?.scenario ?? {};
    const sent = clients.reduce((sum, { each, ratePerSecond, fromMs, untilMs }) => {
      const presentMs = Math.min(untilMs, durationMs) - fromMs;
      return sum + (each * ratePerSecond * presentMs) / durationMs;
    }, 0);
    expect(clients.some(({ fromMs }) => fromMs > 0)).toBe(true);
    expect(world?.demandRate).toBeCloseTo(sent, 6);
  });
});

describe('the comparison of worlds', () => {
  it('takes the mean of several arrivals in one world', async () => {
    const task = { kind: 'two-bad', seed: 1, policy: 'round-robin' } as const;
    const tasks = [0, 1].map((arrival) => ({ ...task, arrival }));
    const results = await runWorlds(tasks, 1, () => {});
    const [first, second] = results.map(({ metrics }) => steady(metrics)) as [number, number];
    expect(first).not.toBe(second);
    const worlds = compare(results);
    expect(worlds).toHaveLength(1);
    expect(worlds.map((world) => figureIn(world, 'round-robin', steady))).toEqual([(first + second) / 2]);
    expect(worlds.map((world) => figureIn(world, 'random', steady))).toEqual([Number.NaN]);
  });
});
