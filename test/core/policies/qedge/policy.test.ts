import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../../src/core/domain.ts';
import type { RouterSnapshot } from '../../../../src/core/service-router.ts';
import { createWorld, instance, populate, REQUEST, type World } from '../../support.ts';

function stateOf(world: World, node: number) {
  const state = world.router.state(world.nowMs).instances.find(({ key }) => key === `node-${node}/a`);
  if (state === undefined) throw new Error(`no state of node-${node}`);
  return state;
}

/** Requests at 10 ms intervals, each under way for its latency; returns how many went where. */
function run(world: World, ms: number, latencyOf: (candidate: Candidate) => number): Map<string, number> {
  const counts = new Map<string, number>();
  const underway: { endMs: number; ticket: number; latencyMs: number }[] = [];
  for (let passed = 0; passed < ms; passed += 10) {
    for (const flight of underway.filter(({ endMs }) => endMs <= world.nowMs)) {
      world.router.finish(flight.ticket, 'answered', flight.latencyMs, world.nowMs);
      underway.splice(underway.indexOf(flight), 1);
    }
    const candidate = world.router.route(REQUEST, world.nowMs);
    if (candidate === null) throw new Error('routed nowhere');
    const latencyMs = latencyOf(candidate);
    const ticket = world.router.start(candidate, world.nowMs);
    underway.push({ endMs: world.nowMs + latencyMs, ticket, latencyMs });
    counts.set(candidate.key, (counts.get(candidate.key) ?? 0) + 1);
    world.pass(10);
  }
  for (const { ticket, latencyMs } of underway) world.router.finish(ticket, 'answered', latencyMs, world.nowMs);
  return counts;
}

const near = (candidate: Candidate): number => candidate.rttMs + 8;

describe('qedge', () => {
  it('starts by round trip, with three times as much for the own node', () => {
    const world = createWorld('qedge');
    populate(world, [0.5, 20, 62]);
    const weights = [0, 1, 2].map((node) => stateOf(world, node).weight);
    expect(weights[0]).toBeCloseTo(3 / 4.5, 9);
    expect(weights[1]).toBeCloseTo(1 / 4.5, 9);
    expect(weights[2]).toBeCloseTo(0.5 / 4.5, 9);
  });

  it('takes an instance that recovered into use again where the others have queues', () => {
    const world = createWorld('qedge');
    populate(world, [1, 1, 1, 1]);
    const queues = (candidate: Candidate): number => 30 * (candidate.inFlight + 1);
    run(world, 10_000, (candidate) => (candidate.handle === 0 ? 150 : queues(candidate)));
    expect(stateOf(world, 0).weight).toBeLessThan(0.01);
    run(world, 30_000, queues);
    // Of five hundred; the floor is worth one.
    expect(run(world, 5_000, queues).get('node-0/a')).toBeGreaterThan(20);
  });

  it('keeps an instance whose first request alone failed', () => {
    const world = createWorld('qedge');
    populate(world, [1, 1]);
    const [first] = world.router.candidates;
    if (first === undefined) throw new Error('no candidate');
    world.router.finish(world.router.start(first, world.nowMs), 'failed', 5, world.nowMs);
    // Both answer before the next request comes.
    expect(run(world, 9_000, () => 9).get(first.key) ?? 0).toBeGreaterThan(300);
  });

  it('does not hope for what is silent where most are bad', () => {
    const world = createWorld('qedge', { policyOptions: { floor: 0 } });
    populate(world, [1, 1, 1, 1]);
    run(world, 8_000, ({ key }) => (key === 'node-0/a' ? 9 : 150));
    // Without a floor none of the bad is asked: what is believed of them fades.
    run(world, 20_000, ({ key }) => (key === 'node-0/a' ? 9 : 150));
    expect(stateOf(world, 1).samples).toBe(0);
    expect(stateOf(world, 1).successProbability).toBeLessThan(0.8);
  });

  it('passes over an instance that works on a long request, though turns are owed to it by then', () => {
    const world = createWorld('qedge');
    populate(world, [1, 1]);
    run(world, 5_000, () => 9);
    const [busy] = world.router.candidates;
    if (busy === undefined) throw new Error('no candidate');
    world.router.start(busy, world.nowMs);
    // Half of 70 are its turns.
    expect(run(world, 70, () => 9).get(busy.key) ?? 0).toBeLessThanOrEqual(2);
  });

  it('leaves an instance that is late from one moment on by what it did before, though it does ever worse', () => {
    const world = createWorld('qedge');
    populate(world, [1, 1]);
    run(world, 20_000, () => 9);
    const [slow] = world.router.candidates;
    if (slow === undefined) throw new Error('no candidate');
    for (let misses = 0; misses < 4; misses++) {
      const ticket = world.router.start(slow, world.nowMs);
      world.pass(250);
      world.router.finish(ticket, 'answered', 250, world.nowMs);
    }
    expect(run(world, 1_000, () => 9).get(slow.key) ?? 0).toBeLessThan(20);
  });

  it('owes an instance no turns for the time in which it is out after an error', () => {
    const world = createWorld('qedge');
    populate(world, [1, 1]);
    run(world, 20_000, () => 9);
    const [failing] = world.router.candidates;
    if (failing === undefined) throw new Error('no candidate');
    world.router.finish(world.router.start(failing, world.nowMs), 'failed', 3, world.nowMs);
    run(world, 720, () => 9);
    expect(run(world, 120, () => 9).get(failing.key) ?? 0).toBeLessThan(11);
  });

  it('comes back soon to an instance that loses a request now and then, as it always did', () => {
    const world = createWorld('qedge');
    populate(world, [1, 1]);
    const asked = [0, 0];
    const last = [0, 0];
    let longestGap = 0;
    for (let n = 0; n < 2_000; n++) {
      const candidate = world.router.route(REQUEST, world.nowMs) as Candidate;
      const { handle } = candidate;
      if (n > 1_000) longestGap = Math.max(longestGap, n - (last[handle] as number));
      last[handle] = n;
      const isLost = ++(asked[handle] as number) % 10 === 0;
      const ticket = world.router.start(candidate, world.nowMs);
      world.pass(9);
      world.router.finish(ticket, isLost ? 'failed' : 'answered', 9, world.nowMs);
    }
    // Nine requests are τ.
    expect(longestGap).toBeLessThan(40);
  });

  it('sends next to nothing where the round trip leaves no time', () => {
    const world = createWorld('qedge');
    populate(world, [1, 79]);
    const counts = run(world, 10_000, near);
    expect(counts.get('node-1/a') ?? 0).toBeLessThan(20);
  });

  it('starts with equal weights when the cold start is switched off', () => {
    const world = createWorld('qedge', { policyOptions: { cold_start: false } });
    populate(world, [0.5, 20]);
    expect([0, 1].map((node) => stateOf(world, node).weight)).toEqual([0.5, 0.5]);
  });

  it('begins with another instance in each of many load balancers', () => {
    const first = Array.from({ length: 60 }, (_, seed) => {
      const world = createWorld('qedge', { seed, localNodeId: 'elsewhere' });
      populate(world, [5, 6, 7]);
      return world.router.route(REQUEST, world.nowMs)?.key;
    });
    for (let node = 0; node < 3; node++)
      expect(first.filter((key) => key === `node-${node}/a`).length).toBeGreaterThanOrEqual(8);
  });

  it('moves weight off an instance that became slow, down to the floor and no further', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10, 20]);
    run(world, 5000, near);
    const counts = run(world, 15_000, (candidate) => (candidate.handle === 0 ? 150 : near(candidate)));
    expect((counts.get('node-0/a') ?? 0) / 1500).toBeLessThan(0.1);
    expect(stateOf(world, 0).weight).toBeLessThan(0.01);
    expect(stateOf(world, 0).weight).toBeGreaterThan(0);
  });

  it('comes back to an instance that recovered', () => {
    const world = createWorld('qedge');
    populate(world, [1, 55, 60]);
    run(world, 10_000, (candidate) => (candidate.handle === 0 ? 150 : near(candidate)));
    let turn = 0;
    run(world, 30_000, (candidate) => (candidate.handle === 0 ? 9 : turn++ % 3 === 0 ? 95 : 70));
    expect(stateOf(world, 0)).toMatchObject({ pool: 'exploitation' });
    expect(stateOf(world, 0).weight).toBeGreaterThan(0.3);
  });

  it('passes over an instance whose oldest request is overdue, before that request has ended', () => {
    const world = createWorld('qedge', { policyOptions: { cold_start: false } });
    populate(world, [1, 10]);
    const [hanging] = world.router.candidates;
    if (hanging === undefined) throw new Error('no candidate');
    world.router.start(hanging, world.nowMs);
    world.pass(81);
    const keys = new Set(Array.from({ length: 20 }, () => world.router.route(REQUEST, world.nowMs)?.key));
    expect(keys).toEqual(new Set(['node-1/a']));
    expect(stateOf(world, 0).note).toBe('passed over: its oldest request is overdue');
  });

  it('says of an instance on a busy machine that it is slower, and of no queue', () => {
    const world = createWorld('qedge');
    populate(world, [1]);
    let answers = 0;
    // One at a time.
    run(world, 12_000, () => (++answers % 8 === 0 ? 4 : 40));
    const { note, inFlight } = stateOf(world, 0);
    expect([note, inFlight]).toEqual(['meets the target, but slower than at its best', 0]);
  });

  it('gives no number of misses where an error counts as several', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10]);
    const [broken] = world.router.candidates;
    if (broken === undefined) throw new Error('no candidate');
    world.router.finish(world.router.start(broken, world.nowMs), 'refused', 1, world.nowMs);
    world.router.finish(world.router.start(broken, world.nowMs), 'answered', 500, world.nowMs);
    expect(stateOf(world, 0).note).toBe('passed over after misses in a row');
  });

  it('passes over an instance that it fills itself, before anything there is late', () => {
    const world = createWorld('qedge');
    populate(world, [1, 71.9]);
    const [board] = world.router.candidates;
    if (board === undefined) throw new Error('no candidate');
    // Pairs of requests: 30 ms for the first, as much again for the second.
    for (let i = 0; i < 20; i++) {
      const tickets = [0, 1].map(() => {
        expect(world.router.route(REQUEST, world.nowMs)).toBe(board);
        return world.router.start(board, world.nowMs);
      });
      world.pass(30);
      world.router.finish(tickets[0] as number, 'answered', 30, world.nowMs);
      world.pass(30);
      world.router.finish(tickets[1] as number, 'answered', 60, world.nowMs);
    }
    expect(stateOf(world, 0).note).toBe('meets the target');
    for (let i = 0; i < 3; i++) world.router.start(board, world.nowMs);
    const keys = new Set(Array.from({ length: 20 }, () => world.router.route(REQUEST, world.nowMs)?.key));
    expect(keys).toEqual(new Set(['node-1/a']));
    expect(stateOf(world, 0).note).toBe('passed over: its queue is too long for the limit');
  });

  it('passes over it even while it holds nearly all the weight', () => {
    const world = createWorld('qedge');
    populate(world, [1, 71.9, 71.9]);
    const keys = new Set(Array.from({ length: 40 }, () => world.router.route(REQUEST, world.nowMs)?.key));
    expect(keys).toEqual(new Set(['node-0/a']));
    const [hanging] = world.router.candidates;
    if (hanging === undefined) throw new Error('no candidate');
    world.router.start(hanging, world.nowMs);
    world.pass(81);
    for (let i = 0; i < 20; i++) expect(world.router.route(REQUEST, world.nowMs)?.key).not.toBe('node-0/a');
  });

  it('takes a miss for no news where misses are the rule', () => {
    const world = createWorld('qedge', { policyOptions: { cold_start: false } });
    populate(world, [1, 1]);
    let turn = 0;
    run(world, 10_000, () => (turn++ % 2 === 0 ? 60 : 100));
    expect(stateOf(world, 0).successProbability).toBeLessThan(0.8);
    // One in two in time beside none: found out in two seconds, and then not passed over for each miss.
    const latencyOf = (candidate: Candidate): number => (candidate.handle === 0 && turn++ % 2 === 0 ? 60 : 81);
    run(world, 2000, latencyOf);
    expect(run(world, 2000, latencyOf).get('node-0/a')).toBeGreaterThan(100);
  });

  it('counts overdue requests as failures while they are in flight, unless censoring is switched off', () => {
    const success = (censoring: boolean): number => {
      const world = createWorld('qedge', { policyOptions: { censoring } });
      populate(world, [1, 10]);
      const [hanging] = world.router.candidates;
      if (hanging === undefined) throw new Error('no candidate');
      for (let i = 0; i < 5; i++) world.router.start(hanging, world.nowMs);
      world.pass(1500);
      return stateOf(world, 0).successProbability ?? Number.NaN;
    };
    expect(success(true)).toBeLessThan(0.25);
    expect(success(false)).toBeGreaterThan(0.9);
  });

  it('takes an instance that refuses out at once, reports it, and tries it again later', () => {
    const world = createWorld('qedge', { policyOptions: { cold_start: false } });
    populate(world, [1, 10, 20]);
    const ending = (candidate: Candidate) => ({
      latencyMs: 1,
      result: candidate.handle === 0 ? ('refused' as const) : ('answered' as const),
    });
    for (let i = 0; i < 3; i++) world.request(ending);
    const event = world.events.find(({ kind }) => kind === 'ejected');
    expect(event).toMatchObject({ key: 'node-0/a', reason: 'last attempt refused' });
    expect(run(world, 500, near).get('node-0/a')).toBeUndefined();
    expect(run(world, 3000, near).get('node-0/a')).toBeGreaterThan(0);
  });

  it('sends a retry to the quickest active instance that is not late', () => {
    const world = createWorld('qedge');
    populate(world, [1, 30, 10]);
    expect(world.router.route({ ...REQUEST, tried: [0] }, world.nowMs)?.key).toBe('node-2/a');
  });

  it('lets a new instance join with half a fair share, and keeps the rest in proportion', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10, 20]);
    run(world, 3000, near);
    const before = [0, 1, 2].map((node) => stateOf(world, node).weight);
    world.router.observeRtt('node-3', 15, world.nowMs);
    world.router.applyPlacement({ kind: 'instance-set', instance: instance('node-3') }, world.nowMs);
    expect(stateOf(world, 3).weight).toBeCloseTo(0.125 / 1.125, 9);
    before.forEach((weight, node) => {
      expect(stateOf(world, node).weight).toBeCloseTo(weight / 1.125, 9);
    });
  });

  it('holds its weights while there are no requests', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10, 40]);
    run(world, 3000, near);
    world.pass(11_000);
    const before = world.router.state(world.nowMs).instances.map(({ weight }) => weight);
    world.pass(60_000);
    expect(world.router.state(world.nowMs).instances.map(({ weight }) => weight)).toEqual(before);
  });

  it('panics when more than half refuse, spreads over those not known dead, and recovers', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10, 20]);
    for (let i = 0; i < 20; i++) {
      world.request((candidate) => ({ latencyMs: 2, result: candidate.handle < 2 ? 'refused' : 'answered' }));
    }
    expect(world.router.state(world.nowMs).summary.panic).toBe(true);
    const keys = Array.from({ length: 10 }, () => world.router.route(REQUEST, world.nowMs)?.key);
    expect(new Set(keys)).toEqual(new Set(['node-2/a']));
    run(world, 10_000, near);
    expect(world.router.state(world.nowMs).summary.panic).toBe(false);
  });

  it('finds the one good instance among a hundred within seconds, however far', () => {
    const world = createWorld('qedge');
    populate(
      world,
      Array.from({ length: 100 }, (_, i) => 1 + (i % 30)),
    );
    const only = (candidate: Candidate): number => (candidate.handle === 77 ? near(candidate) : 200);
    run(world, 20_000, only);
    expect(stateOf(world, 77).weight).toBeGreaterThan(0.9);
  });

  it('routes as before after a restart, ignores instances that are gone, and drops samples older than W', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10, 20, 30]);
    run(world, 12_000, (candidate) => (candidate.handle === 3 ? 95 : near(candidate)));
    const snapshot = JSON.parse(JSON.stringify(world.router.snapshot(world.nowMs)));
    const next = (one: World) => Array.from({ length: 60 }, () => one.router.route(REQUEST, one.nowMs)?.key);
    const restarted = createWorld('qedge', { nowMs: 5 });
    populate(restarted, [1, 10, 20, 30]);
    restarted.router.restore(snapshot, 0, restarted.nowMs);
    const weights = world.router.state(world.nowMs).instances.map(({ weight }) => weight);
    restarted.router.state(5).instances.forEach(({ weight }, i) => {
      expect(weight).toBeCloseTo(weights[i] ?? 0, 12);
    });
    expect(next(restarted)).toEqual(next(world));
    const late = createWorld('qedge', { nowMs: 5 });
    populate(late, [1, 10]);
    late.router.restore(snapshot, 60_000, late.nowMs);
    const states = late.router.state(late.nowMs).instances;
    expect(states.map(({ samples }) => samples)).toEqual([0, 0]);
    expect((states[0]?.weight ?? 0) / (states[1]?.weight ?? 0)).toBeCloseTo((weights[0] ?? 0) / (weights[1] ?? 1), 9);
  });

  it('takes back a snapshot from before all sums of the pace were kept, with the same weights', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10, 20]);
    run(world, 12_000, near);
    const snapshot = JSON.parse(JSON.stringify(world.router.snapshot(world.nowMs)));
    const restartedFrom = (saved: RouterSnapshot): World => {
      const restarted = createWorld('qedge', { nowMs: 5 });
      populate(restarted, [1, 10, 20]);
      restarted.router.restore(saved, 0, 5);
      return restarted;
    };
    const whole = restartedFrom(structuredClone(snapshot));
    for (const { pace } of Object.values<{ pace: Record<string, unknown> }>(snapshot.policy.instances)) {
      expect(Number(pace.crossed)).toBeGreaterThan(0);
      expect(Number(pace.placesSquared)).toBeGreaterThan(0);
      delete pace.crossed;
      delete pace.placesSquared;
    }
    const older = restartedFrom(snapshot);
    const weights = (one: World): (number | null)[] => one.router.state(5).instances.map(({ weight }) => weight);
    expect(weights(older)).toEqual(weights(whole));
    const routed = (one: World) => Array.from({ length: 30 }, () => one.router.route(REQUEST, one.nowMs)?.key);
    expect(routed(older)).toEqual(routed(whole));
  });

  it('takes back what it learned of an instance that comes late, and leaves the others in proportion', () => {
    const world = createWorld('qedge');
    populate(world, [1, 20, 40]);
    run(world, 8000, (candidate) => (candidate.handle === 1 ? 95 : near(candidate)));
    const snapshot = JSON.parse(JSON.stringify(world.router.snapshot(world.nowMs)));
    const weights = [0, 1, 2].map((node) => stateOf(world, node).weight);
    const restarted = createWorld('qedge', { nowMs: 5 });
    populate(restarted, [1, 20, 40]);
    restarted.router.restore(snapshot, 0, 5);
    const only = { 'node-1/a': snapshot.policy.instances['node-1/a'] };
    restarted.router.restore({ ...snapshot, policy: { ...snapshot.policy, instances: only } }, 0, 5);
    weights.forEach((weight, node) => {
      expect(stateOf(restarted, node).weight).toBeCloseTo(weight, 9);
    });
  });

  it("gives an instance that the snapshot does not know a newcomer's share", () => {
    const world = createWorld('qedge');
    populate(world, [40, 30, 20]);
    run(world, 5000, near);
    const snapshot = JSON.parse(JSON.stringify(world.router.snapshot(world.nowMs)));
    const restarted = createWorld('qedge', { nowMs: 5 });
    populate(restarted, [40, 30, 20, 1]);
    restarted.router.restore(snapshot, 0, 5);
    expect(stateOf(restarted, 3).weight).toBeCloseTo(0.125 / 1.125, 9);
  });
});
