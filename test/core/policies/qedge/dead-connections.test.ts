// A connection that a router on the way forgot swallows requests, and the instance behind it is idle: that is no overload.

import { describe, expect, it } from 'vitest';
import type { AttemptResult } from '../../../../src/core/domain.ts';
import { SharedFlights, sharedFlightsMemory } from '../../../../src/core/router/shared-flights.ts';
import { createWorld, populate, type World } from '../../support.ts';

const QUIET_MS = 20_000;
/** When the path dies. */
const DEAD_MS = 40_000;

interface Case {
  readonly latencyMs: number;
  readonly apartMs: number;
  /** From then on the instance answers in time. */
  readonly againMs: number;
  /** Event loops. */
  readonly loops?: number;
  /** What is lost ends so long after it was sent, or at this moment where that is sooner. */
  readonly endsAfterMs: number;
  readonly endsAtMs?: number;
  readonly result: AttemptResult;
  /** So many are lost, rather than all until `againMs`. */
  readonly lostMax?: number;
  /** Nothing is asked for before the path dies, for so long. */
  readonly idleMs?: number;
}

interface Ending {
  readonly loop: World;
  readonly ticket: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly result: AttemptResult;
}

/** How many were refused from `againMs` on, and for how long that went on. */
function refusedAfter(seed: number, one: Case): { readonly refused: number; readonly lastMs: number } {
  const { latencyMs, apartMs, againMs, loops = 1, idleMs = 0, lostMax = Number.POSITIVE_INFINITY } = one;
  const memory = sharedFlightsMemory(loops, 7_654_321);
  const worlds = Array.from({ length: loops }, (_, loop) => {
    const sharedFlights = loops === 1 ? null : new SharedFlights(memory, loop);
    const qos = { latencyMs, successRatio: 0.9, windowMs: 10_000 };
    const world = createWorld('qedge', { qos, seed: seed * 10 + loop, nowMs: 0, sharedFlights });
    populate(world, [1]);
    return world;
  });
  let flying: Ending[] = [];
  let [lost, refused, lastMs, turn] = [0, 0, 0, 0];
  for (let nowMs = 0; nowMs < againMs + 12_000; nowMs += apartMs) {
    for (const { loop, ticket, startMs, endMs, result } of flying.filter((flight) => flight.endMs <= nowMs)) {
      loop.router.finish(ticket, result, endMs - startMs, nowMs);
    }
    flying = flying.filter(({ endMs }) => endMs > nowMs);
    for (const { router } of worlds) if (router.nextTickMs <= nowMs) router.tick(nowMs);
    if (nowMs >= DEAD_MS - idleMs && nowMs < DEAD_MS) continue;
    const loop = worlds[turn++ % loops] as World;
    const candidate = loop.router.route({ clientId: 'c', budgetMs: latencyMs, tried: [] }, nowMs);
    if (candidate !== null) {
      const isLost = nowMs >= DEAD_MS && nowMs < againMs && lost < lostMax;
      if (isLost) lost++;
      const endMs = isLost ? Math.min(nowMs + one.endsAfterMs, one.endsAtMs ?? Number.POSITIVE_INFINITY) : nowMs + 5;
      const result = isLost ? one.result : 'answered';
      flying.push({ loop, ticket: loop.router.start(candidate, nowMs), startMs: nowMs, endMs, result });
    } else if (nowMs >= againMs) {
      refused++;
      lastMs = nowMs - againMs;
    }
  }
  return { refused, lastMs };
}

/** The worst of so many phases of the decision steps. */
function worst(one: Case): { readonly refused: number; readonly lastMs: number } {
  const all = [1, 2, 3, 4].map((seed) => refusedAfter(seed, one));
  return { refused: Math.max(...all.map((each) => each.refused)), lastMs: Math.max(...all.map((each) => each.lastMs)) };
}

describe('requests that were lost with their connection', () => {
  /** HTTP/2: another session is opened after a second, and three seconds after its death the old one is given up, with all that is on it. */
  const session = (latencyMs: number, apartMs: number): Case => ({
    latencyMs,
    apartMs,
    againMs: DEAD_MS + 1_050,
    endsAfterMs: 3_000,
    endsAtMs: DEAD_MS + 3_000,
    result: 'refused',
  });

  it('have few refused once another session answers, though nothing was asked for before', () => {
    expect(worst({ ...session(200, 100), idleMs: QUIET_MS }).refused).toBeLessThan(12);
  });

  it('have none refused after steady requests', () => {
    expect(worst(session(200, 100)).refused).toBe(0);
  });

  it('have few refused where several event loops had sessions that died', () => {
    const { refused, lastMs } = worst({ ...session(200, 10), loops: 4, idleMs: QUIET_MS });
    expect(refused).toBeLessThan(100);
    expect(lastMs).toBeLessThan(1_000);
  });

  it('have none refused where the connections of a burst are dead, and each is waited for until the timeout', () => {
    const burst = {
      latencyMs: 80,
      apartMs: 10,
      againMs: DEAD_MS + 600,
      endsAfterMs: 10_000,
      result: 'timeout',
    } as const;
    expect(worst({ ...burst, idleMs: QUIET_MS }).refused).toBe(0);
  });

  it('have none refused for long once the path is back after one that lasted', () => {
    const outage = { latencyMs: 80, apartMs: 10, endsAfterMs: 10_000, result: 'timeout' } as const;
    // A request in two seconds, or sooner, asks whether it is.
    expect(worst({ ...outage, againMs: DEAD_MS + 5_000 }).lastMs).toBeLessThan(2_000);
    expect(worst({ ...outage, againMs: DEAD_MS + 30_000 }).lastMs).toBeLessThan(2_100);
  });

  it('have none refused for long that their clients gave up', () => {
    const left = {
      latencyMs: 80,
      apartMs: 10,
      againMs: DEAD_MS + 5_000,
      endsAfterMs: 1_000,
      result: 'aborted',
    } as const;
    expect(worst(left).lastMs).toBeLessThan(1_100);
  });

  it('have none refused whose connections were reset', () => {
    const reset = { latencyMs: 80, apartMs: 10, againMs: DEAD_MS + 30_000, endsAfterMs: 1, result: 'refused' } as const;
    expect(worst(reset).refused).toBe(0);
  });
});
