import { describe, expect, it } from 'vitest';
import { Shedding } from '../../../../src/core/policies/qedge/shedding.ts';
import { candidatesAt } from '../../candidates.ts';
import { createWorld, populate, REQUEST, type World } from '../../support.ts';

const STEP_MS = 500;
const LATENCY_MS = 80;
const MEMBERS = candidatesAt(2);
const NONE = (): number => 0;

describe('the rate that an instance is sent', () => {
  /** What is in flight at the two instances; ends when its time has come. */
  const flights = new WeakMap<Shedding, { handle: number; startMs: number; processingMs: number }[]>();

  function make(): Shedding {
    const shedding = new Shedding(STEP_MS, LATENCY_MS);
    shedding.ensureHandles(2);
    drive(shedding, 10, { from: -2, count: 2 });
    return shedding;
  }

  function send(shedding: Shedding, handle: number, processingMs: number, nowMs: number): void {
    const all = flights.get(shedding) ?? [];
    flights.set(shedding, [...all, { handle, startMs: nowMs, processingMs }]);
    shedding.send();
    observeFlights(shedding, handle, nowMs);
  }

  function observeFlights(shedding: Shedding, handle: number, nowMs: number): void {
    const count = (flights.get(shedding) ?? []).filter((flight) => flight.handle === handle).length;
    shedding.observeFlights(handle, count, nowMs);
  }

  function endUntil(shedding: Shedding, untilMs: number): void {
    const all = flights.get(shedding) ?? [];
    const ended = all.filter(({ startMs, processingMs }) => startMs + processingMs <= untilMs);
    ended.sort((a, b) => a.startMs + a.processingMs - b.startMs - b.processingMs);
    for (const flight of ended) {
      const { handle, startMs, processingMs } = flight;
      const nowMs = startMs + processingMs;
      flights.set(
        shedding,
        (flights.get(shedding) ?? []).filter((one) => one !== flight),
      );
      observeFlights(shedding, handle, nowMs);
      shedding.end(handle, { processingMs, budgetMs: 70, ahead: 0, startMs, nowMs });
    }
  }

  /** 40 requests a second as far as there is room, each of which takes so long; returns how many were sent in the last step. */
  function drive(shedding: Shedding, processingMs: number, { from = 0, count = 40 } = {}): number {
    let sent = 0;
    for (let step = from; step < from + count; step++) {
      sent = 0;
      for (let i = 0; i < 20; i++) {
        const nowMs = step * STEP_MS + i * 25;
        endUntil(shedding, nowMs);
        if (!shedding.hasRoom(0, nowMs)) {
          shedding.refuse();
          continue;
        }
        send(shedding, 0, processingMs, nowMs);
        sent++;
      }
      endUntil(shedding, (step + 1) * STEP_MS);
      shedding.step(MEMBERS, NONE, (step + 1) * STEP_MS);
    }
    return sent;
  }

  it('has no limit while requests are in time', () => {
    expect(drive(make(), 60)).toBe(20);
  });

  it('falls to the share that shows room while all are late', () => {
    const shedding = make();
    expect(drive(shedding, 200, { count: 18 })).toBeLessThan(4);
    expect(shedding.hasRoom(0, 19 * STEP_MS)).toBe(true);
  });

  it('has a limit before a second is over where not one is in time any more', () => {
    const shedding = make();
    drive(shedding, 200, { count: 1 });
    expect(shedding.limits).toBe(true);
  });

  it.each([
    ['nine in a row were late', 9, (i: number) => [i * 30, i * 30 + 200]],
    ['one of them was in time', 14, (i: number) => [i * 25, i * 25 + (i === 8 ? 20 : 150)]],
    ['all were sent at one moment', 20, (i: number) => [0, 100 + i * 19]],
    ['all were answered at one moment', 20, (i: number) => [i * 20, 490]],
  ] as const)('waits for the second where %s', (_, count, attemptOf) => {
    const shedding = make();
    for (let i = 0; i < count; i++) {
      const [startMs, nowMs] = attemptOf(i) as [number, number];
      shedding.send();
      shedding.end(0, { processingMs: nowMs - startMs, budgetMs: 70, ahead: 0, startMs, nowMs });
    }
    shedding.step(MEMBERS, NONE, STEP_MS);
    expect(shedding.limits).toBe(false);
  });

  it('has no limit by one burst that waited for itself, where an answer takes longer than a second', () => {
    const shedding = new Shedding(STEP_MS, 2_000);
    shedding.ensureHandles(2);
    for (let step = 0; step < 20; step++) {
      // Half of the time all that ends is late: two seconds, one τ.
      for (let i = 0; i < 10; i++) {
        const late = step % 8 >= 4;
        const nowMs = step * STEP_MS + i * 50;
        shedding.send();
        shedding.end(0, {
          processingMs: late ? 3_000 : 500,
          budgetMs: 1_900,
          ahead: 0,
          startMs: nowMs - 3_000,
          nowMs,
        });
      }
      shedding.step(MEMBERS, NONE, (step + 1) * STEP_MS);
      expect(shedding.limits).toBe(false);
    }
  });

  it('is read without a change', () => {
    const shedding = make();
    drive(shedding, 200, { count: 18 });
    const others = make();
    drive(others, 200, { count: 18 });
    for (let i = 0; i < 1_000; i++) shedding.hasRoom(0, 18 * STEP_MS + i);
    expect(drive(shedding, 12, { from: 20, count: 8 })).toBe(drive(others, 12, { from: 20, count: 8 }));
  });

  it('has no limit while they fail, which is no question of room', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10, 20]);
    let refused = 0;
    for (let i = 0; i < 1000; i++) {
      const candidate = world.router.route(REQUEST, world.nowMs);
      if (candidate === null) refused++;
      else world.router.finish(world.router.start(candidate, world.nowMs), 'failed', 2, world.nowMs);
      world.pass(10);
    }
    expect(refused).toBe(0);
  });

  it('is as before within seconds when answers are quick again', () => {
    const shedding = make();
    drive(shedding, 200, { count: 18 });
    expect(drive(shedding, 12, { from: 18, count: 16 })).toBe(20);
  });

  it('has no limit that a hang of the instance left behind', () => {
    const shedding = make();
    drive(shedding, 20, { count: 10 });
    // All clients wait for it: nothing more is asked for, and what is in flight is overdue.
    for (let step = 10; step < 70; step++) {
      shedding.hasRoom(0, step * STEP_MS);
      shedding.step(MEMBERS, ({ handle }) => (handle === 0 ? 5 : 0), (step + 1) * STEP_MS);
    }
    expect(drive(shedding, 20, { from: 70, count: 12 })).toBe(20);
  });

  it('keeps its limit for a while though nothing is refused: the queue is hardly gone', () => {
    const shedding = make();
    drive(shedding, 200, { count: 18 });
    expect(drive(shedding, 12, { from: 18, count: 24 })).toBe(20);
    expect(shedding.limits).toBe(true);
    drive(shedding, 12, { from: 42, count: 24 });
    expect(shedding.limits).toBe(false);
  });

  /** Nothing is asked for from step 18 on, for ten seconds. */
  function rest(shedding: Shedding): void {
    endUntil(shedding, 18 * STEP_MS);
    for (let step = 18; step < 38; step++) shedding.step(MEMBERS, NONE, (step + 1) * STEP_MS);
  }

  it('makes no limit by what was late before an idle spell', () => {
    const shedding = make();
    // Sent and answered at one moment, as a burst, and by far more than were in time before.
    for (let i = 0; i < 200; i++) {
      shedding.send();
      shedding.end(0, { processingMs: 200, budgetMs: 70, ahead: 0, startMs: 0, nowMs: 200 });
    }
    shedding.step(MEMBERS, NONE, STEP_MS);
    rest(shedding);
    expect(drive(shedding, 20, { from: 38, count: 1 })).toBe(20);
    expect(shedding.limits).toBe(false);
  });

  it('keeps its limit over an idle spell, in which others may have gone on asking', () => {
    const shedding = make();
    const sent = drive(shedding, 200, { count: 18 });
    rest(shedding);
    expect(drive(shedding, 200, { from: 38, count: 1 })).toBeLessThanOrEqual(sent + 1);
  });

  it('has room again with the first answers after an idle spell where they show that it is idle', () => {
    const shedding = make();
    drive(shedding, 200, { count: 18 });
    rest(shedding);
    expect(drive(shedding, 20, { from: 38, count: 1 })).toBeGreaterThanOrEqual(19);
    expect(drive(shedding, 20, { from: 39, count: 1 })).toBe(20);
  });

  it('goes with an instance that leaves', () => {
    const shedding = make();
    drive(shedding, 200, { count: 10 });
    expect(shedding.limits).toBe(true);
    shedding.step(MEMBERS.slice(1), NONE, 11 * STEP_MS);
    expect(shedding.limits).toBe(false);
  });

  it('has a limit where it is late with what others have no room for', () => {
    const shedding = make();
    drive(shedding, 200, { count: 10 });
    for (let step = 10; step < 16; step++) {
      for (let i = 0; i < 20; i++) {
        const nowMs = step * STEP_MS + i * 25;
        endUntil(shedding, nowMs);
        if (shedding.hasRoom(0, nowMs)) send(shedding, 0, 40, nowMs);
        else if (shedding.hasRoom(1, nowMs)) send(shedding, 1, 200, nowMs);
        else shedding.refuse();
      }
      shedding.step(MEMBERS, NONE, (step + 1) * STEP_MS);
    }
    const nowMs = 16 * STEP_MS;
    let sent = 0;
    for (; sent < 20 && shedding.hasRoom(1, nowMs); sent++) send(shedding, 1, 200, nowMs);
    expect(sent).toBeLessThan(5);
  });

  it('has a limit where the refusals of others bring the first answers in time', () => {
    const shedding = new Shedding(STEP_MS, LATENCY_MS);
    shedding.ensureHandles(2);
    const step = (
      number: number,
      { inTime, late, refused }: { inTime: number; late: number; refused: number },
    ): void => {
      const nowMs = (number + 1) * STEP_MS;
      for (let i = 0; i < inTime + late; i++) {
        const processingMs = i < inTime ? 60 : 100;
        shedding.send();
        shedding.end(i % 2, { processingMs, budgetMs: 70, ahead: 0, startMs: nowMs - processingMs, nowMs });
      }
      for (let i = 0; i < refused; i++) shedding.refuse();
      shedding.step(MEMBERS, NONE, nowMs);
    };
    for (let i = 0; i < 5; i++) step(i, { inTime: 0, late: 20, refused: 0 });
    expect(shedding.limits).toBe(false);
    for (let i = 5; i < 8; i++) step(i, { inTime: 10, late: 10, refused: 0 });
    expect(shedding.limits).toBe(true);
    // Half of them were in time while it sent all, and one in twenty is now; that half was not its own doing.
    for (let i = 8; i < 40; i++) step(i, { inTime: 1, late: 1, refused: 18 });
    expect(shedding.limits).toBe(true);
  });

  it('has no limit at an instance that others than it make up for', () => {
    const shedding = make();
    for (let step = 0; step < 20; step++) {
      for (let i = 0; i < 20; i++) {
        const nowMs = step * STEP_MS + i * 25;
        shedding.send();
        const processingMs = i % 4 === 0 ? 200 : 20;
        shedding.end(i % 4 === 0 ? 0 : 1, { processingMs, budgetMs: 70, ahead: 0, startMs: nowMs, nowMs });
      }
      shedding.step(MEMBERS, NONE, (step + 1) * STEP_MS);
    }
    expect(shedding.hasRoom(0, 20 * STEP_MS)).toBe(true);
  });
});

describe('a load balancer whose instances are all overloaded', () => {
  /** So many requests, so far apart: by default a hundred a second for ten seconds. */
  function drive(world: World, latencyMs: number, apartMs = 10, requests = 1000): { sent: number; shed: number } {
    const count = { sent: 0, shed: 0 };
    let flights: { ticket: number; startMs: number }[] = [];
    const finishUntil = (untilMs: number): void => {
      for (const { ticket, startMs } of flights)
        if (startMs + latencyMs <= untilMs) world.router.finish(ticket, 'answered', latencyMs, world.nowMs);
      flights = flights.filter(({ startMs }) => startMs + latencyMs > untilMs);
    };
    for (let i = 0; i < requests; i++) {
      finishUntil(world.nowMs);
      const candidate = world.router.route(REQUEST, world.nowMs);
      if (candidate === null) {
        expect(world.router.lastTier).toBe('shed');
        count.shed++;
      } else {
        count.sent++;
        flights.push({ ticket: world.router.start(candidate, world.nowMs), startMs: world.nowMs });
      }
      world.pass(apartMs);
    }
    finishUntil(Number.POSITIVE_INFINITY);
    return count;
  }

  it('refuses no stage of a chain, whose part of the goal is hardly another limit than its own', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10, 20]);
    const asStage = (latencyMs: number, requests: number): number => {
      let shed = 0;
      for (let i = 0; i < requests; i++) {
        world.router.aim(LATENCY_MS + 2);
        shed += drive(world, latencyMs, 10, 1).shed;
      }
      return shed;
    };
    expect(asStage(40, 200)).toBe(0);
    expect(asStage(200, 3_000)).toBe(0);
    // Stages end, and it is a service like others: with its own limit, which it keeps.
    drive(world, 40, 10, 2_000);
    expect(drive(world, 200, 10, 3_000).shed).toBeGreaterThan(500);
    // They come again.
    asStage(40, 2_000);
    expect(asStage(200, 3_000)).toBe(0);
  });

  it('goes on refusing where few of its requests are stages of a chain', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10, 20]);
    let shed = 0;
    for (let i = 0; i < 4_000; i++) {
      if (i % 50 === 0) world.router.aim(LATENCY_MS + 2);
      shed += drive(world, i < 2_000 ? 40 : 200, 10, 1).shed;
    }
    expect(shed).toBeGreaterThan(500);
  });

  it('forgets with a reset that refusing gained nothing', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10, 20]);
    drive(world, 40, 10, 200);
    expect(drive(world, 200, 10, 3_000).shed).toBeGreaterThan(0);
    expect(drive(world, 200, 10, 500).shed).toBe(0);
    world.router.reset(world.nowMs);
    drive(world, 40, 10, 200);
    expect(drive(world, 200, 10, 500).shed).toBeGreaterThan(0);
  });

  it('refuses what they have no room for, however little it is asked', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10, 20]);
    drive(world, 40, 1_000, 20);
    expect(drive(world, 200, 1_000, 30).shed).toBeGreaterThan(0);
  });

  it('refuses what they have no room for', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10, 20]);
    drive(world, 40);
    const { shed, sent } = drive(world, 200);
    expect(shed).toBeGreaterThan(500);
    expect(sent).toBeGreaterThan(0);
    // Retries were let in already.
    expect(world.router.route({ ...REQUEST, tried: [0] }, world.nowMs)).not.toBeNull();
  });

  it('sends no more at once than it had in flight, and one more to each', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10, 20]);
    drive(world, 40);
    drive(world, 200);
    drive(world, 60, 10, 300);
    let sent = 0;
    for (let candidate = world.router.route(REQUEST, world.nowMs); candidate !== null && sent < 20; sent++) {
      world.router.start(candidate, world.nowMs);
      candidate = world.router.route(REQUEST, world.nowMs);
    }
    // A hundred a second that take 60 ms each are six.
    expect(sent).toBeLessThanOrEqual(9);
  });

  it('finds what is well again while it refuses what the rest has no room for', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10, 20]);
    // Two hundred a second: all are quick, all are late, the nearest alone is well again, all are. One that rests is asked after 4 s.
    const [late, one, all, end] = [1_000, 3_000, 5_000, 6_000];
    let flights: { ticket: number; endMs: number; takesMs: number }[] = [];
    let used = 0;
    for (let i = 0; i < end; i++) {
      for (const { ticket, takesMs } of flights.filter(({ endMs }) => endMs <= world.nowMs))
        world.router.finish(ticket, 'answered', takesMs, world.nowMs);
      flights = flights.filter(({ endMs }) => endMs > world.nowMs);
      const candidate = world.router.route(REQUEST, world.nowMs);
      if (candidate !== null) {
        const isWell = i >= all || (i >= one && candidate.rttMs === 1);
        const takesMs = i < late ? 40 : isWell ? 25 * (candidate.inFlight + 1) : 200;
        if (i >= all && candidate.rttMs > 1) used++;
        flights.push({ ticket: world.router.start(candidate, world.nowMs), endMs: world.nowMs + takesMs, takesMs });
      }
      world.pass(5);
    }
    expect(used).toBeGreaterThan(30);
  });

  it('sends it again where they are late with next to nothing to do', () => {
    const world = createWorld('qedge');
    populate(world, [1, 10, 20]);
    drive(world, 40);
    expect(drive(world, 200).shed).toBeGreaterThan(0);
    drive(world, 200);
    expect(drive(world, 200).shed).toBe(0);
  });

  it('sends all of it when asked to', () => {
    const world = createWorld('qedge', { policyOptions: { shed: false } });
    populate(world, [1, 10, 20]);
    drive(world, 40);
    expect(drive(world, 200).shed).toBe(0);
  });
});
