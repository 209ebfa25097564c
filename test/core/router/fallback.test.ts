// Never nothing, in the order that the specification gives.

import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../src/core/domain.ts';
import { bestOrNearest, firstToReturn } from '../../../src/core/router/fallback.ts';
import { candidateAt } from '../candidates.ts';
import { createWorld, populate, REQUEST } from '../support.ts';

/** As much of a policy as ranks the fallback. */
const ranks = (facts: { cooldowns?: readonly number[]; estimates?: readonly number[] }) => ({
  cooldownUntilMs: ({ handle }: Candidate) => facts.cooldowns?.[handle] ?? Number.NEGATIVE_INFINITY,
  successEstimate: ({ handle }: Candidate) => facts.estimates?.[handle] ?? Number.NaN,
});

describe('fallback', () => {
  const candidates = [candidateAt(0, 40), candidateAt(1, 10), candidateAt(2, 95)];

  it('takes the feasible instance whose cooldown ends first', () => {
    expect(firstToReturn(candidates, ranks({ cooldowns: [900, 1200, 100] }), 80)?.handle).toBe(0);
  });

  it('has none to offer when none in cooldown is feasible', () => {
    const only = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 100];
    expect(firstToReturn(candidates, ranks({ cooldowns: only }), 80)).toBeNull();
  });

  it('takes the best success estimate, the nearer of equals, and the nearest when nothing is known', () => {
    expect(bestOrNearest(candidates, ranks({ estimates: [0.2, 0.1, 0.7] }))?.handle).toBe(2);
    expect(bestOrNearest(candidates, ranks({ estimates: [0.5, 0.5, 0.5] }))?.handle).toBe(1);
    expect(bestOrNearest(candidates, ranks({}))?.handle).toBe(1);
    expect(bestOrNearest([], ranks({}))).toBeNull();
  });

  it('is named by the router for what it was', () => {
    const world = createWorld('qedgeproxy');
    populate(world, [100, 90, 10]);
    expect(world.router.route(REQUEST, world.nowMs)?.handle).toBe(2);
    expect(world.router.lastTier).toBe('policy');
    world.router.observeRtt('node-2', 95, world.nowMs);
    expect(world.router.route(REQUEST, world.nowMs)?.handle).toBe(1);
    expect(world.router.lastTier).toBe('fallback');
  });

  it('sends to the one of two whose cooldown ends first when the other is known dead', () => {
    const world = createWorld('qedgeproxy');
    populate(world, [10, 20]);
    const [first, second] = world.router.candidates;
    if (first === undefined || second === undefined) throw new Error('no candidates');
    for (const [candidate, atMs] of [
      [second, 1000],
      [first, 3000],
    ] as const) {
      world.nowMs = atMs;
      for (let i = 0; i < 3; i++) {
        world.router.finish(world.router.start(candidate, world.nowMs), 'refused', 1, world.nowMs);
      }
    }
    expect(world.router.route(REQUEST, world.nowMs)?.handle).toBe(1);
    expect(world.router.lastTier).toBe('ejected');
  });
});
