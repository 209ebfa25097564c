import { describe, expect, it } from 'vitest';
import { checkPolicy } from '../../../../src/core/policies/registry.ts';
import { createWorld, instance, populate, REQUEST, type World } from '../../support.ts';

function stateOf(world: World, node: number) {
  const state = world.router.state(world.nowMs).instances.find(({ key }) => key === `node-${node}/a`);
  if (state === undefined) throw new Error(`no state of node-${node}`);
  return state;
}

/** Requests at 10 ms intervals for a while. */
function run(world: World, ms: number, latencyOf: (node: string, turn: number) => number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let passed = 0; passed < ms; passed += 10) {
    const { key } = world.request((candidate) => ({ latencyMs: latencyOf(candidate.instance.nodeId, passed / 10) }));
    counts.set(key, (counts.get(key) ?? 0) + 1);
    world.pass(10);
  }
  return counts;
}

describe('qedgeproxy', () => {
  it('starts with equal weights when nothing is known', () => {
    const world = createWorld('qedgeproxy');
    populate(world, [1, 10, 20, 90]);
    expect([0, 1, 2].map((node) => stateOf(world, node).weight)).toEqual([1 / 3, 1 / 3, 1 / 3]);
    expect(stateOf(world, 3)).toMatchObject({ pool: 'out', weight: 0, note: 'the round trip alone exceeds the limit' });
  });

  it('moves to the instances that meet the target, and explores the rest less and less', () => {
    const world = createWorld('qedgeproxy', { policyOptions: { misses: 1000 } });
    populate(world, [1, 10, 20]);
    const latency = (node: string, turn: number) => (node === 'node-1' && turn % 4 === 0 ? 120 : 30);
    run(world, 12_000, latency);
    expect(stateOf(world, 0).pool).toBe('exploitation');
    expect(stateOf(world, 1)).toMatchObject({ pool: 'exploration', note: 'below the target: explored' });
    run(world, 40_000, latency);
    const late = run(world, 10_000, latency);
    expect((late.get('node-1/a') ?? 0) / 1000).toBeLessThan(0.1);
    expect(world.router.state(world.nowMs).summary.explorationShare ?? 1).toBeLessThan(0.05);
  });

  it('sets ε back to ε₀ when its own success falls below ρ, and says so', () => {
    const world = createWorld('qedgeproxy', { policyOptions: { misses: 1000 } });
    populate(world, [1, 10]);
    run(world, 20_000, () => 20);
    expect(world.router.state(world.nowMs).summary.explorationShare ?? 1).toBeLessThan(0.3);
    run(world, 15_000, () => 200);
    expect(world.router.state(world.nowMs).summary.explorationShare).toBe(0.3);
    expect(world.events.filter(({ kind }) => kind === 'exploration-reset')).toHaveLength(1);
  });

  it('multiplies ε by γ at each step at which the promise is kept, and leaves it when nothing was asked', () => {
    const world = createWorld('qedgeproxy');
    populate(world, [1, 10]);
    const share = () => world.router.state(world.nowMs).summary.explorationShare;
    world.pass(20_000);
    expect(share()).toBe(0.3);
    for (let steps = 1; steps <= 5; steps++) {
      run(world, 5_000, () => 20);
      expect(share()).toBeCloseTo(0.3 * 0.8 ** steps, 12);
    }
  });

  it('ejects an instance after θ misses in a row, for the cooldown', () => {
    const world = createWorld('qedgeproxy');
    populate(world, [1, 10, 20]);
    run(world, 500, (node) => (node === 'node-0' ? 200 : 20));
    expect(stateOf(world, 0)).toMatchObject({ pool: 'out', weight: 0, note: 'ejected after 3 misses in a row' });
    expect(world.events.filter(({ kind }) => kind === 'ejected')).toHaveLength(1);
    expect(run(world, 5000, () => 20).get('node-0/a')).toBeUndefined();
    run(world, 20_000, () => 20);
    expect(stateOf(world, 0).pool).toBe('exploitation');
  });

  it('admits a new instance by round trip plus the low quantile of processing latency, with ε/(|Q| + 1)', () => {
    const world = createWorld('qedgeproxy');
    populate(world, [1, 10]);
    run(world, 1000, () => 41);
    const join = (node: string, rttMs: number) => {
      world.router.observeRtt(node, rttMs, world.nowMs);
      world.router.applyPlacement({ kind: 'instance-set', instance: instance(node) }, world.nowMs);
    };
    join('node-2', 45);
    expect(stateOf(world, 2).weight).toBeCloseTo(0.3 / 3, 9);
    join('node-3', 55);
    expect(stateOf(world, 3).weight).toBe(0);
  });

  it('renormalises when an instance is removed', () => {
    const world = createWorld('qedgeproxy');
    populate(world, [1, 10, 20]);
    run(world, 1000, () => 30);
    world.router.applyPlacement({ kind: 'instance-removed', key: 'node-1/a' }, world.nowMs);
    expect([0, 2].map((node) => stateOf(world, node).weight)).toEqual([0.5, 0.5]);
  });

  it('panics when more than half are out, spreads over those not known dead, and recovers', () => {
    const world = createWorld('qedgeproxy');
    populate(world, [1, 10, 20]);
    for (let i = 0; i < 30; i++) {
      world.request(({ instance: { nodeId } }) =>
        nodeId === 'node-0' ? { latencyMs: 1, result: 'refused' } : { latencyMs: 200 },
      );
    }
    expect(world.router.state(world.nowMs).summary.panic).toBe(true);
    const keys = new Set(Array.from({ length: 12 }, () => world.router.route(REQUEST, world.nowMs)?.key));
    expect(keys).toEqual(new Set(['node-1/a', 'node-2/a']));
    world.pass(16_000);
    expect(world.router.state(world.nowMs).summary.panic).toBe(false);
    expect(world.events.filter(({ kind }) => kind === 'panic')).toEqual([
      { kind: 'panic', on: true },
      { kind: 'panic', on: false },
    ]);
  });

  it('routes as before after a restart, but for what is older than W', () => {
    const world = createWorld('qedgeproxy');
    populate(world, [1, 10, 20, 30]);
    run(world, 23_000, (node) => (node === 'node-3' ? 95 : 30));
    const snapshot = JSON.parse(JSON.stringify(world.router.snapshot(world.nowMs)));
    const next = (router: World['router'], nowMs: number) =>
      Array.from({ length: 60 }, () => router.route(REQUEST, nowMs)?.key);
    const restarted = createWorld('qedgeproxy', { nowMs: 5 });
    populate(restarted, [1, 10, 20, 30]);
    restarted.router.restore(snapshot, 0, restarted.nowMs);
    expect(next(restarted.router, restarted.nowMs)).toEqual(next(world.router, world.nowMs));
    const late = createWorld('qedgeproxy', { nowMs: 5 });
    populate(late, [1, 10]);
    late.router.restore(snapshot, 60_000, late.nowMs);
    expect(late.router.state(late.nowMs).instances.map(({ samples }) => samples)).toEqual([0, 0]);
    expect(late.router.state(late.nowMs).instances.map(({ cooldownMs }) => cooldownMs)).toEqual([0, 0]);
  });

  it('shows the density of processing latency, which integrates to 1', () => {
    const world = createWorld('qedgeproxy');
    populate(world, [10]);
    expect(world.router.density('node-0/a', [1], world.nowMs)).toBeNull();
    run(world, 1000, () => 40);
    const grid = Array.from({ length: 200 }, (_, i) => i / 2);
    const density = world.router.density('node-0/a', grid, world.nowMs) ?? [];
    expect(density.reduce((sum, value) => sum + value / 2, 0)).toBeCloseTo(1, 3);
    expect(grid[density.indexOf(Math.max(...density))]).toBe(30);
  });

  it("takes the paper's parameters as options, and names each that is wrong", () => {
    const options = {
      step: '2s',
      exploration: 0.2,
      decay: 0.9,
      smoothing: 0.05,
      misses: 5,
      cooldown: '30s',
      quantile: 0.2,
    };
    expect(checkPolicy({ name: 'qedgeproxy', options })).toEqual([]);
    const problems = checkPolicy({ name: 'qedgeproxy', options: { step: 5, decay: 1.5, misses: 2.5, epsilon: 1 } });
    expect(problems).toEqual([
      {
        path: 'epsilon',
        message:
          'unknown option "epsilon", expected one of step, exploration, decay, smoothing, misses, cooldown, quantile',
      },
      { path: 'step', message: 'expected a duration such as "5s" from "10ms" to "10m", got 5' },
      { path: 'decay', message: 'expected a number from 0 to 1, got 1.5' },
      { path: 'misses', message: 'expected a whole number from 1 to 1000, got 2.5' },
    ]);
  });
});
