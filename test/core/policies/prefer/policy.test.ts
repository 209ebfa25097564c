// Preferred groups, driven through the service router with instances that serve one request at a time.

import { describe, expect, it } from 'vitest';
import type { Candidate, Preference } from '../../../../src/core/domain.ts';
import { NO_FLIGHT } from '../../../../src/core/policies/policy.ts';
import { POLICY_NAMES } from '../../../../src/core/policies/registry.ts';
import { createWorld, ended, instance, REQUEST, type World } from '../../support.ts';

const NEAR = instance('node-0', { tier: 'far-edge' });
const FAR = instance('cloud-1', { tier: 'cloud' });

/** How long an instance takes for one request, ms, and how many it works on at a time. */
interface Speed {
  readonly serviceMs: number;
  readonly servers: number;
}

function worldOf(policy: string, prefer: readonly Preference[] = ['local', 'cloud']): World {
  const world = createWorld(policy, { prefer });
  for (const one of [NEAR, FAR]) world.router.applyPlacement({ kind: 'instance-set', instance: one }, world.nowMs);
  world.router.observeRtt('cloud-1', 15, world.nowMs);
  world.router.observeRtt('node-0', 0.2, world.nowMs);
  return world;
}

interface Tally {
  readonly requests: number;
  readonly successes: number;
  readonly local: number;
}

/** Requests at a steady rate, each answered when its instance comes to it; of the last half of `ms`. */
function drive(
  world: World,
  { ms, perSecond }: { ms: number; perSecond: number },
  speeds: (key: string) => Speed,
): Tally {
  const freeMs = new Map<string, number[]>();
  const pending: { endMs: number; end: () => void }[] = [];
  const tally = { requests: 0, successes: 0, local: 0 };
  const beginMs = world.nowMs;
  let dueMs = world.nowMs;
  while (world.nowMs < beginMs + ms) {
    while (dueMs <= world.nowMs) {
      const counted = world.nowMs > beginMs + ms / 2;
      dueMs += 1000 / perSecond;
      const candidate = world.router.route(REQUEST, world.nowMs) as Candidate;
      const startMs = world.nowMs;
      const ticket = world.router.start(candidate, startMs);
      const { serviceMs, servers } = speeds(candidate.key);
      const queue = freeMs.get(candidate.key) ?? Array<number>(servers).fill(0);
      freeMs.set(candidate.key, queue);
      queue.sort((a, b) => a - b);
      const endMs = Math.max(startMs, queue[0] ?? 0) + serviceMs;
      queue[0] = endMs;
      pending.push({
        endMs: endMs + candidate.rttMs,
        end: () => {
          const latencyMs = endMs - startMs + candidate.rttMs;
          world.router.finish(ticket, 'answered', latencyMs, world.nowMs);
          world.router.recordRequest(ended('camera-1', latencyMs <= 80), world.nowMs);
          if (!counted) return;
          tally.requests++;
          if (latencyMs <= 80) tally.successes++;
          if (candidate.local) tally.local++;
        },
      });
    }
    world.pass(2);
    for (const one of pending.filter(({ endMs }) => endMs <= world.nowMs)) {
      pending.splice(pending.indexOf(one), 1);
      one.end();
    }
  }
  return tally;
}

const quick = (): Speed => ({ serviceMs: 20, servers: 8 });
/** Here it carries 50 requests a second, there any number. */
const narrowHere = (key: string): Speed => ({ serviceMs: 20, servers: key.startsWith('node-0') ? 1 : 50 });

describe.each(POLICY_NAMES)('preferred groups under %s', (policy) => {
  it('keep every request as long as they meet the goal', () => {
    const { local, requests } = drive(worldOf(policy), { ms: 20_000, perSecond: 20 }, quick);
    expect(local / requests).toBeGreaterThan(0.99);
  });

  it('are left at once when their instances are suspect, and taken back', () => {
    const world = worldOf(policy);
    const key = 'node-0/a';
    drive(world, { ms: 2000, perSecond: 20 }, quick);
    world.router.applyPlacement({ kind: 'instance-availability', key, availability: 'suspect' }, world.nowMs);
    expect(drive(world, { ms: 2000, perSecond: 20 }, quick).local).toBe(0);
    world.router.applyPlacement({ kind: 'instance-availability', key, availability: 'up' }, world.nowMs);
    const { local, requests } = drive(world, { ms: 20_000, perSecond: 20 }, quick);
    expect(local / requests).toBeGreaterThan(0.9);
  });
});

describe('preferred groups', () => {
  it('give away what they cannot carry, and no more than the goal needs', () => {
    const { local, requests, successes } = drive(worldOf('qedge'), { ms: 60_000, perSecond: 100 }, narrowHere);
    expect(successes / requests).toBeGreaterThan(0.9);
    // Half of it is what it can carry.
    expect(local / requests).toBeGreaterThan(0.35);
    expect(local / requests).toBeLessThan(0.55);
  });

  it('refuse what no group has room for, where the policy sheds', () => {
    const world = createWorld('qedge', { prefer: ['local', 'cloud'], policyOptions: { shed: true } });
    for (const one of [NEAR, FAR]) world.router.applyPlacement({ kind: 'instance-set', instance: one }, world.nowMs);
    const underway: { readonly ticket: number; readonly endMs: number }[] = [];
    let refused = 0;
    for (let i = 0; i < 600; i++) {
      const candidate = world.router.route(REQUEST, world.nowMs);
      if (candidate === null) refused++;
      else underway.push({ ticket: world.router.start(candidate, world.nowMs), endMs: world.nowMs + 300 });
      world.pass(10);
      while (underway[0] !== undefined && underway[0].endMs <= world.nowMs)
        world.router.finish(underway.shift()?.ticket ?? NO_FLIGHT, 'answered', 300, world.nowMs);
    }
    expect(refused).toBeGreaterThan(100);
  });

  it('give away what fails', () => {
    const world = worldOf('round-robin');
    const broken = (candidate: Candidate) =>
      candidate.local ? { latencyMs: 5, result: 'failed' as const } : { latencyMs: 30 };
    let local = 0;
    for (let i = 0; i < 600; i++) {
      const candidate = world.request(broken);
      if (i >= 300 && candidate.local) local++;
      world.pass(50);
    }
    expect(local / 300).toBeLessThan(0.15);
  });

  it('may be distinguished by labels, the rest comes last', () => {
    const world = createWorld('qedge', { prefer: [{ site: 'hall-3' }] });
    const labels = { site: 'hall-3', rack: '2' };
    for (const one of [instance('a'), instance('b', { labels }), instance('c')]) {
      world.router.applyPlacement({ kind: 'instance-set', instance: one }, world.nowMs);
    }
    expect(world.router.route(REQUEST, world.nowMs)?.key).toBe('b/a');
    const { groups } = world.router.state(world.nowMs);
    expect(groups.map(({ name, instances }) => [name, instances])).toEqual([
      ['site=hall-3', 1],
      ['others', 2],
    ]);
  });

  it('take in an instance whose tier became known later', () => {
    const world = createWorld('round-robin', { prefer: ['cloud'] });
    for (const id of ['a', 'b']) {
      world.router.applyPlacement({ kind: 'instance-set', instance: instance(id) }, world.nowMs);
    }
    const tiered = instance('b', { tier: 'cloud' });
    world.router.applyPlacement({ kind: 'instance-set', instance: tiered }, world.nowMs);
    const keys = Array.from({ length: 4 }, () => world.router.route(REQUEST, world.nowMs)?.key);
    expect(keys).toEqual(Array(4).fill('b/a'));
  });

  it('come back from a snapshot with the share they kept', () => {
    const world = worldOf('qedge');
    drive(world, { ms: 30_000, perSecond: 100 }, narrowHere);
    const snapshot = structuredClone(world.router.snapshot(world.nowMs));
    const other = worldOf('qedge');
    other.router.restore(snapshot, 1000, other.nowMs);
    expect(other.router.snapshot(other.nowMs).policy).toMatchObject({
      local: { share: (snapshot.policy as { local: { share: number } }).local.share },
    });
  });

  it('say what goes where', () => {
    const world = worldOf('qedge');
    drive(world, { ms: 4000, perSecond: 20 }, quick);
    const { groups, instances } = world.router.state(world.nowMs);
    expect(groups.map(({ name, instances: up }) => [name, up])).toEqual([
      ['local', 1],
      ['cloud', 1],
      ['others', 0],
    ]);
    expect(groups[0]?.share).toBeGreaterThan(0.99);
    expect(instances.find(({ local }) => !local)).toMatchObject({
      pool: 'out',
      note: expect.stringMatching(/in reserve/),
    });
  });
});
