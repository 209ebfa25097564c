import { describe, expect, it } from 'vitest';
import { createWorld, populate, REQUEST, type World } from '../support.ts';

function observe(
  world: World,
  node: number,
  latencyMs: number,
  result: 'answered' | 'failed' | 'aborted' = 'answered',
): void {
  const candidate = world.router.candidates[node];
  if (candidate === undefined) throw new Error('no candidate');
  world.router.finish(world.router.start(candidate, world.nowMs), result, latencyMs, world.nowMs);
}

const stateOf = (world: World, node: number) => world.router.state(world.nowMs).instances[node];
const picksOf = (world: World, count: number) =>
  Array.from({ length: count }, () => world.router.route(REQUEST, world.nowMs)?.handle);

describe('qedgeproxy-2024', () => {
  it('estimates by round trip first, then 0.3/0.7, then 0.8/0.2', () => {
    const world = createWorld('qedgeproxy-2024');
    populate(world, [10]);
    expect(stateOf(world, 0)?.extra.latencyMs).toBe(10);
    observe(world, 0, 50);
    expect(stateOf(world, 0)?.extra.latencyMs).toBeCloseTo(0.3 * 10 + 0.7 * 50, 9);
    observe(world, 0, 100);
    expect(stateOf(world, 0)?.extra.latencyMs).toBeCloseTo(0.8 * 38 + 0.2 * 100, 9);
  });

  it('gives each in the pool its turn and nothing to those whose mean is above the limit', () => {
    const world = createWorld('qedgeproxy-2024');
    populate(world, [10, 20, 30]);
    observe(world, 1, 200);
    expect(stateOf(world, 1)).toMatchObject({ pool: 'out', note: 'mean latency above the limit' });
    expect(new Set(picksOf(world, 4))).toEqual(new Set([0, 2]));
  });

  it('puts an instance out for 30 s per failure in a row', () => {
    const world = createWorld('qedgeproxy-2024');
    populate(world, [10, 20]);
    observe(world, 0, 5, 'failed');
    observe(world, 0, 5, 'failed');
    expect(stateOf(world, 0)?.cooldownMs).toBe(60_000);
    expect(new Set(picksOf(world, 4))).toEqual(new Set([1]));
    world.pass(60_000);
    expect(new Set(picksOf(world, 4))).toEqual(new Set([0, 1]));
  });

  it('starts estimates again when less than 30 % are in the pool, at most once a minute', () => {
    const world = createWorld('qedgeproxy-2024');
    populate(world, [10, 20, 30, 40]);
    for (const node of [0, 1, 2]) observe(world, node, 200);
    world.pass(1100);
    expect(stateOf(world, 0)).toMatchObject({ pool: 'exploitation' });
    for (const node of [0, 1, 2]) observe(world, node, 200);
    world.pass(30_000);
    expect(stateOf(world, 0)).toMatchObject({ pool: 'out' });
    world.pass(31_000);
    expect(stateOf(world, 0)).toMatchObject({ pool: 'exploitation' });
  });

  it('learns from a client that gave up after the limit, not from one that left before', () => {
    const world = createWorld('qedgeproxy-2024');
    populate(world, [10, 20]);
    observe(world, 0, 79, 'aborted');
    expect(stateOf(world, 0)?.extra.latencyMs).toBe(10);
    observe(world, 0, 200, 'aborted');
    expect(stateOf(world, 0)).toMatchObject({ pool: 'out', cooldownMs: 0 });
  });

  it('says so when none is left in the pool', () => {
    const world = createWorld('qedgeproxy-2024');
    populate(world, [10, 20]);
    observe(world, 0, 300);
    expect(world.router.state(world.nowMs).summary.panic).toBe(false);
    observe(world, 1, 300);
    expect(world.router.state(world.nowMs).summary.panic).toBe(true);
  });

  it('falls back to the own node', () => {
    const world = createWorld('qedgeproxy-2024');
    populate(world, [10, 20]);
    for (const node of [0, 1]) observe(world, node, 300);
    expect(new Set(picksOf(world, 5))).toEqual(new Set([0]));
  });
});
