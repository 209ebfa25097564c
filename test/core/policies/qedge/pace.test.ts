import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../../src/core/domain.ts';
import { Pace } from '../../../../src/core/policies/qedge/pace.ts';
import { candidateAt } from '../../candidates.ts';

const IDLE_MS = 10;
const at = (inFlight: number, oldestStartMs = inFlight === 0 ? Number.POSITIVE_INFINITY : 0): Candidate =>
  Object.assign(candidateAt(0, 1), { inFlight, oldestStartMs });

function make(tries: readonly (readonly [ahead: number, processingMs: number])[]): Pace {
  const pace = new Pace();
  pace.ensureHandles(1);
  for (const [ahead, processingMs] of tries) pace.observe(0, ahead, processingMs, 0);
  return pace;
}

/** Of two instances that take one or the other in turns: what the next request would take at each. */
function differing(one: readonly number[], other: readonly number[]): [number, number] {
  const pace = new Pace();
  pace.ensureHandles(2);
  const members = [candidateAt(0, 1), candidateAt(1, 1)].map((candidate) => Object.assign(candidate, { inFlight: 0 }));
  for (let i = 0; i < 6; i++) {
    pace.observe(0, 0, one[i % one.length] as number, 0);
    pace.observe(1, 0, other[i % other.length] as number, 0);
  }
  pace.step(members);
  const [first, second] = members.map((member) => pace.expectedMs(member, IDLE_MS, 0)) as [number, number];
  return [first, second];
}

/** As the process that comes next has it. */
function restarted(pace: Pace): Pace {
  const next = new Pace();
  next.ensureHandles(2);
  for (const handle of [0, 1]) next.restore(handle, pace.snapshot(handle, 0), 0);
  return next;
}

interface Queues {
  readonly works: readonly number[];
  /** Requests find up to so many of the own before them. */
  readonly queue: number;
  readonly rttMs: number;
  /** What an attempt takes has nothing to do with the own ones before it. */
  readonly byOthers?: boolean;
}

/** Two instances that are alike: what a place costs all, in what it takes. */
function burden({ works, queue, rttMs, byOthers = false }: Queues, restart = false): number {
  let pace = new Pace();
  pace.ensureHandles(2);
  const members = [candidateAt(0, rttMs), candidateAt(1, rttMs)].map((one) => Object.assign(one, { inFlight: 0 }));
  for (let i = 0; i < 7 * works.length; i++) {
    const ahead = i % (queue + 1);
    const workMs = works[i % works.length] as number;
    for (const { handle } of members) pace.observe(handle, ahead, byOthers ? 3 * workMs : (ahead + 1) * workMs, 0);
  }
  if (restart) pace = restarted(pace);
  pace.step(members);
  const member = members[0] as Candidate;
  return pace.costMs(member, IDLE_MS, 0) / pace.expectedMs(member, IDLE_MS, 0);
}

describe('what one more request would take', () => {
  it('is what the idle instance takes for each in flight, before anything ended there', () => {
    expect(make([]).expectedMs(at(2), IDLE_MS, 1000)).toBe(30);
  });

  it('is in proportion to the own requests in flight, no matter which queues were seen', () => {
    const queues = Array.from({ length: 200 }, (_, i) => [i % 5, 30 * ((i % 5) + 1)] as const);
    expect(make(queues).expectedMs(at(0), IDLE_MS, 1000)).toBeCloseTo(30, 0);
    expect(make(queues).expectedMs(at(6), IDLE_MS, 1000)).toBeCloseTo(210, -1);
  });

  it('counts the oldest in flight for less the older it is, by half a place at the most, and for a whole one where it is long', () => {
    const steady = Array.from({ length: 200 }, () => [0, 30] as const);
    const [started, due, long] = [0, 31, 93].map((ageMs) => make(steady).costMs(at(1, 0), IDLE_MS, ageMs) / 2) as [
      number,
      number,
      number,
    ];
    expect(started).toBeCloseTo(60, 0);
    expect(due).toBeCloseTo(45, 0);
    expect(long).toBeCloseTo(60, 0);
  });

  it('holds the load that others put there', () => {
    const busy = Array.from({ length: 200 }, () => [0, 50] as const);
    expect(make(busy).expectedMs(at(0), IDLE_MS, 1000)).toBeCloseTo(50, 0);
  });

  it('is unknown where nothing was heard for long and nothing is under way', () => {
    const pace = make([[0, 150]]);
    expect(pace.expectedMs(at(0), IDLE_MS, 10_000)).toBeGreaterThan(IDLE_MS);
    expect(pace.expectedMs(at(0), IDLE_MS, 10_001)).toBeNaN();
    expect(pace.expectedMs(at(1), IDLE_MS, 10_001)).toBeGreaterThan(IDLE_MS);
    expect(pace.expectedMs(at(1, Number.POSITIVE_INFINITY), IDLE_MS, 10_001)).toBeNaN();
  });

  it('follows what is seldom heard of at once', () => {
    const pace = make(Array.from({ length: 200 }, () => [0, 150] as const));
    pace.observe(0, 0, 20, 60_000);
    expect(pace.expectedMs(at(0), IDLE_MS, 60_000)).toBeLessThan(20);
  });

  it('is drawn to what all take where instances differ by no more than chance makes of them', () => {
    const [lucky, other] = differing([5, 80], [20, 55]);
    expect(lucky - other).toBeGreaterThan(0);
    expect(lucky - other).toBeLessThan(0.6 * (42.5 - 37.5));
  });

  it('is its own where they differ by more', () => {
    const [slow, quick] = differing([40, 44], [20, 22]);
    expect(slow).toBeCloseTo(42, -1);
    expect(quick).toBeCloseTo(21, -1);
    expect(slow - quick).toBeGreaterThan(15);
  });

  it('costs all twice that, and more with each that is found in the queue where the work has a heavy tail', () => {
    const alike = [20, 22];
    const heavy = [...Array.from({ length: 19 }, () => 10), 500];
    expect(burden({ works: alike, queue: 6, rttMs: 1 })).toBe(2);
    expect(burden({ works: heavy, queue: 0, rttMs: 1 })).toBe(2);
    expect(burden({ works: heavy, queue: 6, rttMs: 1 })).toBeGreaterThan(3);
    // Those that are on their way are no queue.
    expect(burden({ works: heavy, queue: 6, rttMs: 2_000 })).toBe(2);
    // What an attempt takes is the same with six of the own before it.
    expect(burden({ works: heavy, queue: 6, rttMs: 1, byOthers: true })).toBeLessThan(2.2);
  });

  it('costs all the same after a restart', () => {
    const queues = { works: [...Array.from({ length: 19 }, () => 10), 500], queue: 6, rttMs: 1 };
    expect(burden(queues, true)).toBe(burden(queues));
  });

  it('is forgotten with the instance', () => {
    const pace = make([[0, 150]]);
    pace.forget(0);
    expect(pace.expectedMs(at(1), IDLE_MS, 1000)).toBe(2 * IDLE_MS);
  });
});
