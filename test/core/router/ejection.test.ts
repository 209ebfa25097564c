// An instance that asks for a pause.

import { describe, expect, it } from 'vitest';
import { createWorld, instance, REQUEST, type World } from '../support.ts';

function worldOf(nodes: readonly string[]): World {
  const world = createWorld('round-robin');
  for (const node of nodes) {
    world.router.applyPlacement({ kind: 'instance-set', instance: instance(node) }, world.nowMs);
  }
  return world;
}

function eject(world: World, key: string, ms: number): void {
  const candidate = world.router.candidates.find((one) => one.key === key);
  if (candidate !== undefined) world.router.eject(candidate, world.nowMs + ms, world.nowMs);
}

const routed = (world: World): string[] =>
  Array.from({ length: 4 }, () => world.router.route(REQUEST, world.nowMs)?.key ?? '').sort();

describe('an instance that asked for a pause', () => {
  it('gets nothing until it is over', () => {
    const world = worldOf(['a', 'b']);
    eject(world, 'a/a', 500);
    expect(routed(world)).toEqual(Array(4).fill('b/a'));
    const [ejected] = world.router.state(world.nowMs).instances;
    expect(ejected).toMatchObject({
      availability: 'up',
      pool: 'out',
      cooldownMs: 500,
      note: expect.stringMatching(/Retry-After/),
    });
    world.pass(500);
    expect(routed(world)).toEqual(['a/a', 'a/a', 'b/a', 'b/a']);
  });

  it('is asked all the same when all are ejected, or when it is alone', () => {
    const world = worldOf(['a', 'b']);
    eject(world, 'a/a', 500);
    eject(world, 'b/a', 500);
    expect(routed(world)).toHaveLength(4);
    expect(routed(world)).not.toContain('');
  });

  it('stays ejected when its checks are good again meanwhile, and suspect when they fail', () => {
    const world = worldOf(['a', 'b']);
    const key = 'a/a';
    eject(world, key, 500);
    world.router.applyPlacement({ kind: 'instance-availability', key, availability: 'suspect' }, world.nowMs);
    world.router.applyPlacement({ kind: 'instance-availability', key, availability: 'up' }, world.nowMs);
    expect(routed(world)).toEqual(Array(4).fill('b/a'));
    world.router.applyPlacement({ kind: 'instance-availability', key, availability: 'suspect' }, world.nowMs);
    world.pass(1000);
    expect(routed(world)).toEqual(Array(4).fill('b/a'));
  });
});
