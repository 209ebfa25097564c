import { describe, expect, it, vi } from 'vitest';
import { POLICY_NAMES } from '../../../src/core/policies/registry.ts';
import { createWorld, populate, type World } from '../support.ts';

/** Draws nothing of the router's own chances. */
function drawn(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
}

/** Every step at its time. */
function stepped(world: World, ms: number): void {
  const endMs = world.nowMs + ms;
  while (world.router.nextTickMs <= endMs) world.router.tick(world.router.nextTickMs);
  world.nowMs = endMs;
}

/** 200 requests, some late, some failed; returns where they went. */
function busy(world: World, draw: () => number): string[] {
  return Array.from({ length: 200 }, () => {
    const { key } = world.request((candidate) => {
      const latencyMs = 20 + 90 * draw() * (candidate.handle === 1 ? 2 : 1);
      return draw() < 0.05 ? { result: 'failed' as const, latencyMs } : { latencyMs };
    });
    stepped(world, 25);
    return key;
  });
}

describe.each(POLICY_NAMES)('a router with %s that rested', (policy) => {
  it('decides and estimates as one that made every step at its time', () => {
    const [awake, resting] = [createWorld(policy), createWorld(policy)];
    const draws = [drawn(7), drawn(7)] as const;
    for (const world of [awake, resting]) populate(world, [1, 5, 30]);
    expect(busy(resting, draws[1])).toEqual(busy(awake, draws[0]));
    const onWake = vi.fn();
    resting.router.rest(onWake);
    // Late, and the last of them before the next request.
    for (const ms of [5_003, 5_011, 4_999, 2_347]) {
      stepped(awake, ms);
      resting.nowMs += ms;
      if (ms > 2_347) resting.router.tick(resting.nowMs);
    }
    expect(onWake).not.toHaveBeenCalled();
    expect(busy(resting, draws[1])).toEqual(busy(awake, draws[0]));
    expect(onWake).toHaveBeenCalledTimes(1);
    expect(resting.router.state(resting.nowMs)).toEqual(awake.router.state(awake.nowMs));
  });
});

describe('a router at rest', () => {
  it('makes up for its steps before its instances change', () => {
    const [awake, resting] = [createWorld('qedge'), createWorld('qedge')];
    for (const world of [awake, resting]) populate(world, [1, 5, 30]);
    for (const world of [awake, resting]) busy(world, drawn(3));
    resting.router.rest(() => {});
    stepped(awake, 4_100);
    resting.nowMs += 4_100;
    for (const { router, nowMs } of [awake, resting]) {
      router.observeRtt('node-2', 3, nowMs);
      router.applyPlacement({ kind: 'instance-removed', key: 'node-0/a' }, nowMs);
    }
    expect(resting.router.snapshot(resting.nowMs)).toEqual(awake.router.snapshot(awake.nowMs));
  });

  it('does not make up for the hours that its process was stopped', () => {
    const { router } = createWorld('qedge');
    router.rest(() => {});
    const stoppedMs = 100 * 3_600_000;
    router.tick(stoppedMs);
    expect(router.nextTickMs).toBeGreaterThan(stoppedMs);
    expect(router.nextTickMs).toBeLessThan(stoppedMs + 10_000);
  });
});
