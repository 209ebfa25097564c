// Requests of a session stay together.

import { describe, expect, it } from 'vitest';
import type { RequestInfo } from '../../../src/core/domain.ts';
import { POLICY_NAMES } from '../../../src/core/policies/registry.ts';
import { createWorld, instance, REQUEST, type World } from '../support.ts';

function worldOf(policy = 'round-robin'): World {
  const world = createWorld(policy, { sessionIdleMs: 60_000 });
  for (const node of ['a', 'b', 'c']) {
    world.router.applyPlacement({ kind: 'instance-set', instance: instance(node) }, world.nowMs);
  }
  return world;
}

/** One request of a session that is answered at once; returns where it went. */
function ask(world: World, session: string, changes: Partial<RequestInfo> = {}): string {
  const { router, nowMs } = world;
  const candidate = router.route({ ...REQUEST, session, ...changes }, nowMs);
  if (candidate === null) return '';
  router.finish(router.start(candidate, nowMs, session), 'answered', 20, nowMs);
  return candidate.key;
}

describe('a session', () => {
  it.each(POLICY_NAMES)('stays at its instance under %s', (policy) => {
    const world = worldOf(policy);
    for (const session of ['one', 'two', 'three', 'four']) {
      const home = ask(world, session);
      for (let i = 0; i < 20; i++) {
        world.pass(20);
        expect(ask(world, session)).toBe(home);
      }
    }
    expect(world.router.state(world.nowMs).affinity).toEqual({ sessions: 4, kept: 80, moved: 0 });
  });

  it('moves once when its instance takes no traffic, and stays where it went', () => {
    const world = worldOf();
    const home = ask(world, 's');
    world.router.applyPlacement({ kind: 'instance-availability', key: home, availability: 'suspect' }, world.nowMs);
    const other = ask(world, 's');
    expect(other).not.toBe(home);
    world.router.applyPlacement({ kind: 'instance-availability', key: home, availability: 'up' }, world.nowMs);
    expect([ask(world, 's'), ask(world, 's')]).toEqual([other, other]);
    expect(world.router.state(world.nowMs).affinity).toMatchObject({ kept: 2, moved: 1 });
  });

  it('moves when a request there is overdue', () => {
    const world = worldOf('qedge');
    const home = ask(world, 's');
    const candidate = world.router.candidates.find(({ key }) => key === home);
    if (candidate !== undefined) world.router.start(candidate, world.nowMs);
    world.pass(100);
    expect(ask(world, 's')).not.toBe(home);
  });

  it('follows a retry', () => {
    const world = worldOf();
    const home = ask(world, 's');
    const handle = world.router.candidates.find(({ key }) => key === home)?.handle ?? -1;
    const other = ask(world, 's', { tried: [handle] });
    expect(other).not.toBe(home);
    expect(ask(world, 's')).toBe(other);
  });

  it('does not tie requests that name none', () => {
    const world = worldOf();
    expect(new Set([ask(world, ''), ask(world, ''), ask(world, '')]).size).toBe(3);
  });
});
