// What every policy must hold to, no matter what its idea of a good instance is; run over the whole registry.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttemptResult, Candidate } from '../../../src/core/domain.ts';
import { createPolicy } from '../../../src/core/policies/registry.ts';
import { createRng } from '../../../src/core/rng.ts';
import { FlightTable } from '../../../src/core/router/flight-table.ts';
import type { LiveCandidate } from '../../../src/core/router/live-candidate.ts';
import { candidateAt } from '../candidates.ts';
import { createWorld, instance, populate, QOS, REQUEST, type World } from '../support.ts';

const RESULTS: readonly AttemptResult[] = ['answered', 'failed', 'refused', 'timeout', 'aborted'];

/** Anything that can happen to a router, as numbers that shrink well. */
const happenings = fc.array(
  fc.record({
    kind: fc.constantFrom(
      'request',
      'request',
      'request',
      'finish',
      'join',
      'leave',
      'availability',
      'rtt',
      'pass',
      'reset',
    ),
    which: fc.nat({ max: 11 }),
    amount: fc.nat({ max: 200 }),
  }),
  { minLength: 1, maxLength: 150 },
);

export function describePolicyContract(name: string): void {
  describe(`policy ${name}`, () => {
    it('picks only from the candidates it is offered', () => {
      fc.assert(
        fc.property(fc.uniqueArray(fc.nat({ max: 7 }), { minLength: 1 }), fc.nat(), (offered, seed) => {
          const flights = new FlightTable(1024);
          flights.ensureHandles(8);
          const policy = createPolicy(
            { name, options: {} },
            {
              qos: QOS,
              rng: createRng(seed),
              instancesMax: 8,
              flights,
              groups: { of: () => 0 },
              guidance: null,
              hearsay: null,
              onEvent: () => {},
            },
          );
          const all = [0, 1, 2, 3, 4, 5, 6, 7].map((handle) => candidateAt(handle));
          policy.update(all, 0);
          const candidates = offered.map((handle) => all[handle]).filter((found) => found !== undefined);
          const tried = all.map(({ handle }) => handle).filter((handle) => !offered.includes(handle));
          for (let i = 0; i < 20; i++) {
            // Others were tried, or the quotas of the client leave these alone.
            for (const request of [{ ...REQUEST, tried }, REQUEST]) {
              const picked = policy.select(request, candidates, i);
              expect(picked === null || candidates.includes(picked as LiveCandidate)).toBe(true);
            }
          }
        }),
        { numRuns: 50 },
      );
    });

    it('never leaves a request without an instance while one lives, and says beforehand which it is, at any time', () => {
      fc.assert(
        fc.property(happenings, fc.nat(), (steps, seed) => {
          const world = createWorld(name, { seed });
          const tickets: number[] = [];
          for (const step of steps) {
            happen(world, step, tickets);
            expectRouted(world);
            expectSoundState(world);
          }
        }),
        { numRuns: 60 },
      );
    });

    it('routes the same requests to the same instances for the same seed', () => {
      const picks = (): readonly string[] => {
        const world = createWorld(name, { seed: 7 });
        populate(world, [1, 10, 20, 30, 60]);
        return Array.from({ length: 300 }, (_, i) => {
          world.pass(20);
          return world.request((candidate) => ({ latencyMs: candidate.rttMs + 5 + (i % 7) })).key;
        });
      };
      expect(picks()).toEqual(picks());
    });

    it('sends a retry elsewhere while another candidate lives, and to the same one when none does', () => {
      const world = createWorld(name);
      populate(world, [1, 10, 20]);
      const tried: number[] = [];
      for (let attempt = 0; attempt < 3; attempt++) {
        const candidate = world.router.route({ ...REQUEST, tried }, world.nowMs);
        expect(candidate).not.toBeNull();
        if (candidate === null) return;
        expect(tried).not.toContain(candidate.handle);
        tried.push(candidate.handle);
      }
      expect(world.router.route({ ...REQUEST, tried }, world.nowMs)).not.toBeNull();
    });

    it.each([1, 2, 3])('still routes when all of %i instances fail again and again', (count) => {
      const world = createWorld(name);
      populate(
        world,
        Array.from({ length: count }, (_, i) => 1 + 10 * i),
      );
      for (let i = 0; i < 100; i++) {
        world.request(() => ({ latencyMs: 2, result: i % 2 === 0 ? 'refused' : 'failed' }));
        world.pass(50);
      }
      expect(world.router.route(REQUEST, world.nowMs)).not.toBeNull();
    });

    it('takes back its own snapshot, and ignores anything else', () => {
      const world = createWorld(name);
      populate(world, [1, 10, 20, 30]);
      for (let i = 0; i < 200; i++) {
        world.request((candidate) => ({ latencyMs: candidate.rttMs + 6 }));
        world.pass(10);
      }
      const snapshot = JSON.parse(JSON.stringify(world.router.snapshot(world.nowMs)));
      const restarted = createWorld(name, { nowMs: 50 });
      populate(restarted, [1, 10, 20, 30]);
      restarted.router.restore(snapshot, 100, restarted.nowMs);
      expectSoundState(restarted);
      for (const policy of [
        null,
        3,
        'x',
        [],
        {},
        { version: 1 },
        { version: 1, instances: { 'node-0/a': 7 } },
        { version: 9, instances: [] },
      ]) {
        restarted.router.restore({ ...snapshot, policy }, 100, restarted.nowMs);
        expectSoundState(restarted);
        expectRouted(restarted);
      }
    });

    it('believes after its snapshot what it believed before', () => {
      const world = createWorld(name);
      populate(world, [1, 10, 20, 30]);
      live(world);
      const restarted = createWorld(name, { nowMs: world.nowMs });
      populate(restarted, [1, 10, 20, 30]);
      restarted.router.restore(JSON.parse(JSON.stringify(world.router.snapshot(world.nowMs))), 0, world.nowMs);
      const [before, after] = [world, restarted].map(beliefs);
      expect(after?.map(({ key }) => key)).toEqual(before?.map(({ key }) => key));
      before?.forEach(({ pool, weight, cooldownMs }, i) => {
        // A policy may judge again when it comes back, so members may change pools; in or out stays.
        expect(after?.[i]?.pool === 'out').toBe(pool === 'out');
        // Latencies are kept to 0.1 ms.
        expect(Math.abs((after?.[i]?.weight ?? Number.NaN) - weight)).toBeLessThan(0.01);
        expect(Math.abs((after?.[i]?.cooldownMs ?? Number.NaN) - cooldownMs)).toBeLessThan(1);
      });
    });

    it('forgets everything on reset: it is as if it had just met these instances', () => {
      const world = createWorld(name);
      populate(world, [1, 10, 20]);
      live(world);
      world.router.reset(world.nowMs);
      const fresh = createWorld(name, { nowMs: world.nowMs });
      populate(fresh, [1, 10, 20]);
      fresh.router.reset(fresh.nowMs);
      expect(beliefs(world)).toEqual(beliefs(fresh));
      expect(world.router.state(world.nowMs).summary).toEqual(fresh.router.state(fresh.nowMs).summary);
    });
  });
}

/** A few seconds in which the nearest is late again and again, and the next one fails at times. */
function live(world: World): void {
  for (let i = 0; i < 300; i++) {
    world.request(({ handle, rttMs }) => ({
      latencyMs: handle === 0 && i % 3 > 0 ? 300 : rttMs + 6,
      result: handle === 1 && i % 10 === 0 ? 'failed' : 'answered',
    }));
    world.pass(20);
  }
}

/** What the policy makes of each instance. */
function beliefs(world: World) {
  return world.router
    .state(world.nowMs)
    .instances.map(({ requests, failures, requestsPerSecond, answeredAgeMs, ...belief }) => belief);
}

function happen(world: World, step: { kind: string; which: number; amount: number }, tickets: number[]): void {
  const { router, nowMs } = world;
  const nodeId = `node-${step.which}`;
  const key = `${nodeId}/a`;
  switch (step.kind) {
    case 'request': {
      const candidate = router.route(REQUEST, nowMs);
      if (candidate !== null) tickets.push(router.start(candidate, nowMs));
      break;
    }
    case 'finish': {
      const ticket = tickets.shift();
      if (ticket !== undefined)
        router.finish(ticket, RESULTS[step.which % RESULTS.length] ?? 'answered', step.amount, nowMs);
      break;
    }
    case 'join':
      router.applyPlacement({ kind: 'instance-set', instance: instance(nodeId) }, nowMs);
      break;
    case 'leave':
      router.applyPlacement({ kind: 'instance-removed', key }, nowMs);
      break;
    case 'availability': {
      const availability = (['up', 'suspect', 'draining'] as const)[step.amount % 3] ?? 'up';
      router.applyPlacement({ kind: 'instance-availability', key, availability }, nowMs);
      break;
    }
    case 'rtt':
      router.observeRtt(nodeId, step.amount, nowMs);
      break;
    case 'reset':
      if (step.amount < 20) router.reset(nowMs);
      break;
    default:
      world.pass(step.amount * 20);
  }
}

function expectRouted(world: World): void {
  const preview = world.router.preview(REQUEST, world.nowMs);
  expect(world.router.preview(REQUEST, world.nowMs)).toEqual(preview);
  const candidate: Candidate | null = world.router.route(REQUEST, world.nowMs);
  expect(candidate === null).toBe(world.router.candidates.length === 0);
  if (preview.byChance) return;
  expect(preview.candidate).toBe(candidate);
  if (candidate !== null) expect(preview.tier).toBe(world.router.lastTier);
}

/** Weights in [0, 1] that sum to 1 while any is active, and to no more than 1 in any case. */
function expectSoundState(world: World): void {
  const { instances } = world.router.state(world.nowMs);
  const sum = instances.reduce((total, { weight }) => total + weight, 0);
  const anyUp = instances.some(({ availability }) => availability === 'up');
  for (const { weight, pool, availability } of instances) {
    expect(weight).toBeGreaterThanOrEqual(0);
    expect(weight).toBeLessThanOrEqual(1 + 1e-9);
    if (pool === 'out') expect(weight).toBe(0);
    if (availability !== 'up' && anyUp) expect(pool).toBe('out');
  }
  expect(sum).toBeLessThanOrEqual(1 + 1e-9);
  if (instances.some(({ pool }) => pool !== 'out')) expect(sum).toBeCloseTo(1, 9);
}
