// An instance that answers badly at once, beside one that works: its answers are cheap, and must attract nothing.

import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../../src/core/domain.ts';
import { createRng } from '../../../../src/core/rng.ts';
import { createWorld, type Ending, populate, REQUEST, type World } from '../../support.ts';

const BAD = 1;
/** Between two requests. */
const PERIOD_MS = 40;
const LEARNED_MS = 5000;
const COUNTED_MS = 40_000;

/** Requests for a while; returns how many went to each handle. */
function run(world: World, ms: number, endingOf: (candidate: Candidate) => Ending, restMs = 0): Map<number, number> {
  const { router } = world;
  const counts = new Map<number, number>();
  const underway: { endMs: number; end: () => void }[] = [];
  for (let passed = 0; passed < ms; passed += PERIOD_MS) {
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
      if (result !== 'answered' && restMs > 0) router.eject(candidate, world.nowMs + restMs, world.nowMs);
    };
    underway.push({ endMs: world.nowMs + latencyMs, end });
    counts.set(candidate.handle, (counts.get(candidate.handle) ?? 0) + 1);
    world.pass(PERIOD_MS);
  }
  for (const { end } of underway) end();
  return counts;
}

/** The share of requests that go to the bad instance once it has been seen for a while. */
function shareOfBad(world: World, endingOf: (candidate: Candidate) => Ending, restMs = 0): number {
  run(world, LEARNED_MS, endingOf, restMs);
  return (run(world, COUNTED_MS, endingOf, restMs).get(BAD) ?? 0) / (COUNTED_MS / PERIOD_MS);
}

const weightOf = ({ router, nowMs }: World, handle: number): number =>
  router.state(nowMs).instances[handle]?.weight ?? 0;

/** τ is 80 ms. */
const LATE = [
  ['takes nearly all of the time that there is', 76],
  ['is always a little late', 90],
  ['is always far too late', 160],
] as const;

describe('an instance that fails at once', () => {
  it.each(LATE)('gets next to nothing beside one that %s', (_, latencyMs) => {
    const world = createWorld('qedge', { policyOptions: { shed: false } });
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
    const weight = (): number => weightOf(world, 0);
    expect(weight()).toBeGreaterThan(0.9);
    const [good] = world.router.candidates;
    if (good !== undefined) world.router.eject(good, world.nowMs + 1000, world.nowMs);
    expect(weight()).toBe(0);
    world.pass(1000);
    world.router.route(REQUEST, world.nowMs);
    expect(weight()).toBeGreaterThan(0.9);
  });
});

describe('an instance that begins to answer 404', () => {
  const BEST = 0;
  const PAST_MS = 60_000;
  const REFUSAL: Ending = { latencyMs: 2, result: 'declined' };

  /** The best of two; a share of the requests is wrong anyway. */
  function settled(usually: number): { world: World; usual: (candidate: Candidate) => Ending } {
    const world = createWorld('qedge');
    const rng = createRng(5);
    const usual = ({ handle }: Candidate): Ending =>
      rng.next() < usually ? { latencyMs: 2, result: 'declined' } : { latencyMs: handle === BEST ? 20 : 40 };
    populate(world, [1, 20]);
    run(world, PAST_MS, usual);
    return { world, usual };
  }

  it.each([0, 0.2])('loses its requests within two seconds, where %f of all answers are that anyway', (usually) => {
    const { world, usual } = settled(usually);
    expect(weightOf(world, BEST)).toBeGreaterThan(0.7);
    const ending = (candidate: Candidate): Ending => (candidate.handle === BEST ? REFUSAL : usual(candidate));
    run(world, 2000, ending);
    expect((run(world, 20_000, ending).get(BEST) ?? 0) / (20_000 / PERIOD_MS)).toBeLessThanOrEqual(0.03);
  });

  it('keeps them where all begin at once', () => {
    const { world } = settled(0);
    const counts = run(world, 20_000, () => REFUSAL);
    expect((counts.get(BEST) ?? 0) / (20_000 / PERIOD_MS)).toBeGreaterThan(0.65);
    expect(weightOf(world, BEST)).toBeGreaterThan(0.55);
  });
});
