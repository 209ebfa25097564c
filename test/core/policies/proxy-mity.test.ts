import { describe, expect, it } from 'vitest';
import { createWorld, instance, populate, REQUEST, type World } from '../support.ts';

const weightsOf = (world: World): number[] => world.router.state(world.nowMs).instances.map(({ weight }) => weight);

describe('proxy-mity', () => {
  it.each([1, 0.9, 0.8])('weighs by (1 − α)/n + α·e^(−ℓⁿ/2)/Σ at α = %f', (alpha) => {
    const world = createWorld('proxy-mity', { policyOptions: { alpha } });
    const rttsMs = [1.2, 3.4, 8, 20];
    populate(world, rttsMs);
    const closeness = rttsMs.map((rttMs) => Math.exp(-Math.round(rttMs) / 2));
    const sum = closeness.reduce((total, value) => total + value, 0);
    weightsOf(world).forEach((weight, i) => {
      expect(weight).toBeCloseTo((1 - alpha) / 4 + (alpha * (closeness[i] ?? 0)) / sum, 12);
    });
  });

  it('picks by weight', () => {
    const world = createWorld('proxy-mity', { policyOptions: { alpha: 0.9 } });
    populate(world, [1, 3, 30]);
    const weights = weightsOf(world);
    const counts = [0, 0, 0];
    for (let i = 0; i < 20_000; i++) {
      const handle = world.router.route(REQUEST, world.nowMs)?.handle ?? 0;
      counts[handle] = (counts[handle] ?? 0) + 1;
    }
    // 0.015: four standard deviations of a share of 20,000 draws.
    counts.forEach((count, i) => {
      expect(Math.abs(count / 20_000 - (weights[i] ?? 0))).toBeLessThan(0.015);
    });
  });

  it('follows round trips only every refresh, and the set of instances at once', () => {
    const world = createWorld('proxy-mity');
    populate(world, [1, 5]);
    const before = weightsOf(world);
    world.router.observeRtt('node-0', 50, world.nowMs);
    expect(weightsOf(world)).toEqual(before);
    world.pass(60_100);
    expect(weightsOf(world)[1]).toBeGreaterThan(0.99);
    world.router.observeRtt('node-2', 1, world.nowMs);
    world.router.applyPlacement({ kind: 'instance-set', instance: instance('node-2') }, world.nowMs);
    expect(weightsOf(world)[2]).toBeGreaterThan(0.8);
  });

  it('leaves a retry to the nearest that is left when all weights on offer vanish', () => {
    const world = createWorld('proxy-mity');
    populate(world, [1, 3000, 4000]);
    expect(world.router.route({ ...REQUEST, tried: [0] }, world.nowMs)?.handle).toBe(1);
    expect(world.router.lastTier).toBe('fallback');
  });
});
