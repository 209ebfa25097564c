import { describe, expect, it } from 'vitest';
import { createWorld, populate } from '../support.ts';

describe('dec-sarsa', () => {
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
