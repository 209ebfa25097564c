// The policies that know next to nothing: random and least-connections.

import { describe, expect, it } from 'vitest';
import { createWorld, populate, REQUEST, type World } from '../support.ts';

function shares(world: World, count: number): number[] {
  const counts = world.router.candidates.map(() => 0);
  for (let i = 0; i < count; i++) {
    const handle = world.router.route(REQUEST, world.nowMs)?.handle ?? 0;
    counts[handle] = (counts[handle] ?? 0) + 1;
  }
  return counts.map((had) => had / count);
}

describe('random', () => {
  it('treats all alike', () => {
    const world = createWorld('random');
    populate(world, [1, 30, 60, 90]);
    // 0.02: more than four standard deviations of a share of 10,000 draws.
    for (const share of shares(world, 10_000)) expect(Math.abs(share - 0.25)).toBeLessThan(0.02);
  });
});

describe('least-connections', () => {
  it('takes the instance with the fewest own requests in flight', () => {
    const world = createWorld('least-connections');
    populate(world, [1, 30, 60]);
    const [first, , third] = world.router.candidates;
    if (first === undefined || third === undefined) throw new Error('no candidates');
    world.router.start(first, world.nowMs);
    const ticket = world.router.start(third, world.nowMs);
    expect(shares(world, 50)).toEqual([0, 1, 0]);
    world.router.finish(ticket, 'answered', 20, world.nowMs);
    expect(shares(world, 10_000)[0]).toBe(0);
  });

  it('counts a stream until its end, though it is judged before', () => {
    const world = createWorld('least-connections');
    populate(world, [1, 30]);
    const [first] = world.router.candidates;
    if (first === undefined) throw new Error('no candidates');
    world.router.finish(world.router.start(first, world.nowMs), 'answered', 20, world.nowMs);
    world.router.streamBegan(first);
    expect(shares(world, 50)).toEqual([0, 1]);
    expect(world.router.state(world.nowMs).inFlight).toBe(1);
    world.router.streamEnded(first);
    expect(shares(world, 10_000)[0]).toBeGreaterThan(0.4);
  });

  it('breaks ties at random, all alike', () => {
    const world = createWorld('least-connections');
    populate(world, [1, 30, 60]);
    for (const share of shares(world, 10_000)) expect(Math.abs(share - 1 / 3)).toBeLessThan(0.02);
  });
});
