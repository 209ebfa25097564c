import { describe, expect, it } from 'vitest';
import type { Instance } from '../../../../src/core/domain.ts';
import { INNER } from '../../../../src/core/policies/cooperative/policy.ts';
import { checkPolicy, POLICY_NAMES } from '../../../../src/core/policies/registry.ts';
import { createWorld, instance, REQUEST, type World } from '../../support.ts';

const edge = (nodeId: string, rpm: number): Instance => instance(nodeId, { profile: { capacity_rpm: rpm } });
const HERE = edge('node-0', 600);
const NEXT = edge('edge-2', 600);
const CLOUD = instance('cloud-1', { tier: 'cloud' });

function worldOf(options: Readonly<Record<string, unknown>> = {}, instances = [HERE, NEXT, CLOUD]): World {
  const neighbours = { use: true, samplesMax: 20 };
  const world = createWorld('cooperative', { neighbours, policyOptions: { inner: 'round-robin', ...options } });
  for (const one of instances) world.router.applyPlacement({ kind: 'instance-set', instance: one }, world.nowMs);
  for (const [node, rttMs] of Object.entries({ 'node-0': 0.2, 'edge-2': 4, 'edge-3': 9, 'cloud-1': 30 }))
    world.router.observeRtt(node, rttMs, world.nowMs);
  return world;
}

/** Where the requests of so many seconds went, by node, as shares; each is answered at once, as `ends` says. */
function drive(world: World, seconds: number, perSecond: number, ends: (nodeId: string) => number = () => 10) {
  const counts: Record<string, number> = {};
  for (let i = 0; i < seconds * perSecond; i++) {
    const { instance: at } = world.request(({ instance: one }) => ({ latencyMs: ends(one.nodeId) }));
    counts[at.nodeId] = (counts[at.nodeId] ?? 0) + 1;
    world.pass(1000 / perSecond);
  }
  const total = seconds * perSecond;
  return Object.fromEntries(Object.entries(counts).map(([node, count]) => [node, count / total]));
}

describe('cooperative', () => {
  it('keeps all requests here while they are within what this node takes', () => {
    expect(drive(worldOf(), 70, 10)).toEqual({ 'node-0': 1 });
  });

  it('sends what exceeds that to the neighbour, and what exceeds both to the cloud', () => {
    const world = worldOf();
    drive(world, 60, 20);
    expect(drive(world, 20, 20)).toEqual({ 'node-0': 0.5, 'edge-2': 0.5 });
    drive(world, 60, 50);
    const shares = drive(world, 20, 50);
    expect(shares['node-0']).toBeCloseTo(0.2, 1);
    expect(shares['edge-2']).toBeCloseTo(0.2, 1);
    expect(shares['cloud-1']).toBeCloseTo(0.6, 1);
  });

  it('spreads what spills evenly: seven of ten here are not the first seven', () => {
    const world = worldOf({}, [edge('node-0', 420), CLOUD]);
    drive(world, 70, 10);
    const here = Array.from({ length: 40 }, () => {
      const { local } = world.request(() => ({ latencyMs: 10 }));
      world.pass(100);
      return local;
    });
    for (let i = 0; i + 4 <= here.length; i++) expect(here.slice(i, i + 4)).toContain(true);
    for (let i = 0; i + 5 <= here.length; i++) expect(here.slice(i, i + 5)).toContain(false);
  });

  it('comes back when the minute is over', () => {
    const world = worldOf();
    drive(world, 60, 40);
    drive(world, 60, 5);
    expect(drive(world, 10, 5)).toEqual({ 'node-0': 1 });
  });

  it('asks neighbours in the order of their distance, those with a number up to it', () => {
    const world = worldOf({}, [HERE, edge('edge-3', 600), edge('edge-2', 300), CLOUD]);
    drive(world, 60, 20);
    const shares = drive(world, 30, 20);
    expect(shares['edge-2']).toBeCloseTo(0.25, 1);
    expect(shares['edge-3']).toBeCloseTo(0.25, 1);
    expect(shares['cloud-1']).toBeUndefined();
  });

  it('takes an instance without a number for one that takes all, or for what the option says', () => {
    const plain = [instance('node-0'), NEXT, CLOUD];
    const world = worldOf({}, plain);
    expect(drive(world, 70, 40)).toEqual({ 'node-0': 1 });
    const given = worldOf({ capacity_rpm: 600 }, plain);
    drive(given, 60, 20);
    expect(drive(given, 20, 20)['node-0']).toBeCloseTo(0.5, 1);
  });

  it('leaves a neighbour what others say that they send there, but for a twentieth of what it takes', () => {
    const counts = Array.from({ length: 24 }, (_, bucket) => Number(bucket === 8));
    const shareWhile = (othersPerSecond: number): number => {
      const world = worldOf();
      const said = { key: 'edge-2/a', counts, failures: 0, perSecond: othersPerSecond, inFlight: 0 };
      let share = 0;
      for (let turn = 0; turn < 10; turn++) {
        world.router.neighbours?.hear('edge-2', { spanMs: 2_000, instances: [said] }, world.nowMs);
        share = drive(world, 8, 20)['edge-2'] ?? 0;
      }
      return share;
    };
    expect(shareWhile(0)).toBeCloseTo(0.5, 1);
    expect(shareWhile(5)).toBeCloseTo(0.25, 1);
    const crowded = shareWhile(1_000);
    expect(crowded).toBeGreaterThan(0);
    expect(crowded).toBeLessThan(0.05);
  });

  it('gives a neighbour less while the goal is missed there', () => {
    const world = worldOf();
    const slow = (nodeId: string): number => (nodeId === 'edge-2' ? 200 : 10);
    drive(world, 60, 20, slow);
    const shares = drive(world, 20, 20, slow);
    expect(shares['node-0']).toBeCloseTo(0.5, 1);
    expect(shares['edge-2'] ?? 0).toBeLessThan(0.15);
    expect(shares['cloud-1']).toBeGreaterThan(0.35);
  });

  it('learns what this node takes where no number is given', () => {
    const world = worldOf({ capacity: 'learned' }, [instance('node-0'), CLOUD]);
    let here: number[] = [];
    // It can do ten requests in a second; what is beyond is late.
    const ends = (nodeId: string): number => {
      if (nodeId !== 'node-0') return 40;
      here = [...here.filter((atMs) => world.nowMs - atMs < 1000), world.nowMs];
      return here.length > 10 ? 200 : 10;
    };
    drive(world, 60, 20, ends);
    const shares = drive(world, 60, 20, ends);
    expect(shares['node-0']).toBeGreaterThan(0.35);
    expect(shares['node-0']).toBeLessThan(0.65);
  });

  it('goes on with the others when this node has no instance, and with one of another group at a retry', () => {
    expect(drive(worldOf({}, [NEXT, CLOUD]), 5, 5)).toEqual({ 'edge-2': 1 });
    const world = worldOf();
    const first = world.router.route(REQUEST, world.nowMs);
    const tried = { ...REQUEST, tried: [first?.handle ?? -1] };
    expect(world.router.route(tried, world.nowMs)?.instance.nodeId).toBe('edge-2');
  });

  it('shows the groups with their shares, and previews without taking a turn', () => {
    const world = worldOf({ inner: 'qedge' });
    drive(world, 60, 20);
    const { groups, instances } = world.router.state(world.nowMs);
    expect(groups.map(({ name }) => name)).toEqual(['local', 'edge-2', 'cloud']);
    expect(groups.map(({ share }) => Math.round(10 * share))).toEqual([5, 5, 0]);
    expect(instances.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1);
    const previews = Array.from({ length: 5 }, () => world.router.preview(REQUEST, world.nowMs).candidate?.key);
    expect(new Set(previews).size).toBe(1);
    expect(world.router.route(REQUEST, world.nowMs)?.key).toBe(previews[0]);
  });

  it('takes back over a restart what its groups learned', () => {
    const world = worldOf({ inner: 'qedge' });
    drive(world, 20, 20, (nodeId) => (nodeId === 'edge-2' ? 25 : 10));
    const kept = JSON.parse(JSON.stringify(world.router.snapshot(world.nowMs)));
    const next = worldOf({ inner: 'qedge' });
    next.router.restore(kept, 1000, next.nowMs);
    const of = (one: World) => one.router.state(one.nowMs).instances.find(({ local }) => local)?.samples ?? 0;
    expect(of(next)).toBeGreaterThan(50);
  });

  it('wraps every policy that chooses for itself, and no other', () => {
    const byProfiles = ['multi-objective', 'lowest-energy', 'lowest-time', 'highest-accuracy'];
    expect([...INNER, 'cooperative', ...byProfiles].sort()).toEqual([...POLICY_NAMES].sort());
    const [problem] = checkPolicy({ name: 'cooperative', options: { inner: 'cooperative' } });
    expect(problem?.message).toContain('expected one of qedge, qedgeproxy');
  });
});
