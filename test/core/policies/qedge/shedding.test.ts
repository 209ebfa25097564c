import { describe, expect, it } from 'vitest';
import { Shedding } from '../../../../src/core/policies/qedge/shedding.ts';
import { candidatesAt } from '../../candidates.ts';
import { createWorld, populate, REQUEST, type World } from '../../support.ts';

const STEP_MS = 500;
const MEMBERS = candidatesAt(2);

describe('the rate that an instance is sent', () => {
  /** 40 requests a second at both instances as far as there is room; the first one's are late while `late`. */
  function drive(shedding: Shedding, steps: { late: boolean; from: number; count: number }): number {
    let sent = 0;
    for (let step = steps.from; step < steps.from + steps.count; step++) {
      for (let i = 0; i < 20; i++) {
        shedding.ask();
        const nowMs = step * STEP_MS + i * 25;
        if (!shedding.hasRoom(0, nowMs)) continue;
        shedding.send(0);
        shedding.end(0, !steps.late);
        sent++;
      }
      shedding.step(MEMBERS, (step + 1) * STEP_MS);
    }
    return sent;
  }

  it('has no limit while its requests are in time', () => {
    const shedding = new Shedding(STEP_MS);
    shedding.ensureHandles(2);
    expect(drive(shedding, { late: false, from: 0, count: 20 })).toBe(400);
  });

  it('falls while most are late, grows when they are in time again, and has no limit in the end', () => {
    const shedding = new Shedding(STEP_MS);
    shedding.ensureHandles(2);
    expect(drive(shedding, { late: true, from: 0, count: 20 })).toBeLessThan(200);
    drive(shedding, { late: false, from: 20, count: 200 });
    expect(drive(shedding, { late: false, from: 220, count: 10 })).toBe(200);
    expect(shedding.hasRoom(1, 0)).toBe(true);
  });
});

describe('a load balancer whose instances are all overloaded', () => {
  function overload(world: World): { sent: number; shed: number } {
    const count = { sent: 0, shed: 0 };
    for (let i = 0; i < 1000; i++) {
      const candidate = world.router.route(REQUEST, world.nowMs);
      if (candidate === null) {
        expect(world.router.lastTier).toBe('shed');
        count.shed++;
      } else {
        count.sent++;
        world.router.finish(world.router.start(candidate, world.nowMs), 'answered', 200, world.nowMs);
      }
      world.pass(10);
    }
    return count;
  }

  it('refuses what they have no room for, when asked to', () => {
    const world = createWorld('qedge', { policyOptions: { shed: true } });
    populate(world, [1, 10, 20]);
    expect(overload(world).shed).toBeGreaterThan(500);
    expect(overload(world).sent).toBeGreaterThan(0);
    // Retries were let in already.
    expect(world.router.route({ ...REQUEST, tried: [0] }, world.nowMs)).not.toBeNull();
  });

  it('sends all of it otherwise', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10, 20]);
    expect(overload(world).shed).toBe(0);
  });
});
