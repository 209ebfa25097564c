// An instance that answers badly at once, beside one that works: its answers are cheap, and must attract nothing.

import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../../src/core/domain.ts';
import { createWorld, type Ending, populate, REQUEST, type World } from '../../support.ts';

const BAD = 1;
/** Between two requests. */
const PERIOD_MS = 40;
const LEARNED_MS = 5000;
const COUNTED_MS = 40_000;

/** The share of requests that go to the bad instance once it has been seen for a while. */
function shareOfBad(world: World, endingOf: (candidate: Candidate) => Ending, restMs = 0): number {
  const { router } = world;
  const underway: { endMs: number; end: () => void }[] = [];
  let counted = 0;
  let bad = 0;
  for (let passed = 0; passed < LEARNED_MS + COUNTED_MS; passed += PERIOD_MS) {
    for (const flight of underway.filter(({ endMs }) => endMs <= world.nowMs)) {
      underway.splice(underway.indexOf(flight), 1);
      flight.end();
    }
    const candidate = router.route(REQUEST, world.nowMs);
    if (candidate === null) throw new Error('routed nowhere');
    const { latencyMs, result = 'answered' } = endingOf(candidate);
    const ticket = router.start(candidate, world.nowMs);
    const end = (): void => {
      router.finish(ticket, result, latencyMs, world.nowMs);
      if (result !== 'answered' && restMs > 0) router.rest(candidate, world.nowMs + restMs, world.nowMs);
    };
    underway.push({ endMs: world.nowMs + latencyMs, end });
    if (passed >= LEARNED_MS) {
      counted++;
      if (candidate.handle === BAD) bad++;
    }
    world.pass(PERIOD_MS);
  }
  return bad / counted;
}

/** τ is 80 ms. */
const LATE = [
  ['takes nearly all of the time that there is', 76],
  ['is always a little late', 90],
  ['is always far too late', 160],
] as const;

describe('an instance that fails at once', () => {
  it.each(LATE)('gets next to nothing beside one that %s', (_, latencyMs) => {
    const world = createWorld('qedge');
    populate(world, [1, 1]);
    const share = shareOfBad(world, ({ handle }) =>
      handle === BAD ? { latencyMs: 2, result: 'failed' } : { latencyMs },
    );
    expect(share).toBeLessThanOrEqual(0.03);
  });

  it.each([500, 1000, 2000])('and asks for a pause of %i ms each time gets no more when that is over', (restMs) => {
    const world = createWorld('qedge');
    populate(world, [1, 1]);
    const answer = ({ handle }: Candidate): Ending =>
      handle === BAD ? { latencyMs: 2, result: 'full' } : { latencyMs: 30 };
    expect(shareOfBad(world, answer, restMs)).toBeLessThanOrEqual(0.03);
  });
});

describe('a good instance that asked for a pause', () => {
  it('comes back to what it had', () => {
    const world = createWorld('qedge');
    populate(world, [1, 1]);
    shareOfBad(world, ({ handle }) => (handle === BAD ? { latencyMs: 2, result: 'failed' } : { latencyMs: 30 }));
    const weight = (): number => world.router.state(world.nowMs).instances[0]?.weight ?? 0;
    expect(weight()).toBeGreaterThan(0.9);
    const [good] = world.router.candidates;
    if (good !== undefined) world.router.rest(good, world.nowMs + 1000, world.nowMs);
    expect(weight()).toBe(0);
    world.pass(1000);
    world.router.route(REQUEST, world.nowMs);
    expect(weight()).toBeGreaterThan(0.9);
  });
});
