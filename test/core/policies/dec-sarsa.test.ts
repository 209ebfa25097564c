import { describe, expect, it } from 'vitest';
import { createWorld, populate } from '../support.ts';

describe('dec-sarsa', () => {
  it('moves the value of what it did, and the mean reward, by the differential temporal difference', () => {
    const world = createWorld('dec-sarsa');
    populate(world, [5]);
    const learned = (): { values: number[]; meanReward: number } => {
      const { policy } = world.router.snapshot(world.nowMs) as { policy: Record<string, unknown> };
      const { meanReward, instances } = policy as {
        meanReward: number;
        instances: Record<string, { values: number[] }>;
      };
      return { values: instances['node-0/a']?.values.slice(0, 5) ?? [], meanReward };
    };
    // The round trip of 5 ms is bin 0; the first answer makes the estimate 14 ms. δ = 1 − 0 + Q(1) − Q(0) = 1.
    world.request(() => ({ latencyMs: 14 }));
    expect(learned()).toEqual({ values: [0.05, 0, 0, 0, 0], meanReward: 0.01 });
    // 14 + 0.2·(24 − 14) = 16 ms is bin 1 again. δ = 1 − 0.01 + Q(1) − Q(1) = 0.99.
    world.request(() => ({ latencyMs: 24 }));
    expect(learned().values).toEqual([0.05, 0.0495, 0, 0, 0]);
    expect(learned().meanReward).toBeCloseTo(0.0199, 12);
    // Late: 16 + 0.2·(100 − 16) = 32.8 ms is bin 3. δ = 0 − 0.0199 + Q(3) − Q(1) = −0.0694.
    world.request(() => ({ latencyMs: 100 }));
    expect(learned().values).toEqual([0.05, 0.046, 0, 0, 0]);
    expect(learned().meanReward).toBeCloseTo(0.0199 - 0.01 * 0.0694, 12);
  });

  it('takes a failure for slower than every bin, and a client that left in time for nothing', () => {
    const world = createWorld('dec-sarsa');
    populate(world, [5]);
    const latencyMs = () => world.router.state(world.nowMs).instances[0]?.extra.latencyMs;
    world.request(() => ({ latencyMs: 2, result: 'aborted' }));
    expect(latencyMs()).toBe(5);
    world.request(() => ({ latencyMs: 2, result: 'refused' }));
    expect(latencyMs()).toBe(320);
  });

  it('learns which instance succeeds', () => {
    const world = createWorld('dec-sarsa');
    populate(world, [1, 1, 1]);
    const counts = [0, 0, 0];
    for (let i = 0; i < 4000; i++) {
      const { handle } = world.request((candidate) => ({ latencyMs: candidate.handle === 2 ? 40 : 120 }));
      if (i >= 3000) counts[handle] = (counts[handle] ?? 0) + 1;
      world.pass(10);
    }
    // Greedy but for ε = 0.02, of which a third lands there as well.
    expect((counts[2] ?? 0) / 1000).toBeGreaterThan(0.95);
  });

  it('explores less with every request, down to its minimum', () => {
    const world = createWorld('dec-sarsa');
    populate(world, [1, 1]);
    const share = () => world.router.state(world.nowMs).summary.explorationShare;
    expect(share()).toBe(0.2);
    for (let i = 0; i < 100; i++) world.request(() => ({ latencyMs: 10 }));
    expect(share()).toBeCloseTo(0.2 * 0.998 ** 100, 9);
    for (let i = 0; i < 2000; i++) world.request(() => ({ latencyMs: 10 }));
    expect(share()).toBe(0.02);
  });

  it('keeps its action values over a restart', () => {
    const world = createWorld('dec-sarsa');
    populate(world, [1, 1]);
    for (let i = 0; i < 300; i++) world.request((candidate) => ({ latencyMs: candidate.handle === 0 ? 40 : 120 }));
    const restarted = createWorld('dec-sarsa', { nowMs: 7 });
    populate(restarted, [1, 1]);
    restarted.router.restore(JSON.parse(JSON.stringify(world.router.snapshot(world.nowMs))), 1000, 7);
    const valuesOf = (one: typeof world) =>
      one.router.state(one.nowMs).instances.map(({ extra }) => extra.value ?? Number.NaN);
    valuesOf(restarted).forEach((value, i) => {
      expect(value).toBeCloseTo(valuesOf(world)[i] ?? 0, 3);
    });
  });
});
