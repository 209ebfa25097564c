import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../../src/core/domain.ts';
import { Pace } from '../../../../src/core/policies/qedge/pace.ts';
import { candidateAt } from '../../candidates.ts';

const ASSUMED_MS = 10;
const at = (inFlight: number, handle = 0): Candidate => Object.assign(candidateAt(handle, 1), { inFlight });

function make(attempts: readonly (readonly [ahead: number, processingMs: number])[]): Pace {
  const pace = new Pace(ASSUMED_MS);
  pace.ensureHandles(2);
  for (const [ahead, processingMs] of attempts) pace.observe(0, ahead, processingMs, 0);
  return pace;
}

describe('what one more request would take', () => {
  it('is what is assumed for each in flight, before anything ended anywhere', () => {
    expect(make([]).expectedMs(at(2), 1000)).toBe(30);
  });

  it('is in proportion to the own requests in flight, no matter which queues were seen', () => {
    const queues = Array.from({ length: 200 }, (_, i) => [i % 5, 30 * ((i % 5) + 1)] as const);
    expect(make(queues).expectedMs(at(0), 1000)).toBeCloseTo(30, 0);
    expect(make(queues).expectedMs(at(6), 1000)).toBeCloseTo(210, -1);
  });

  it('holds the load that others put there', () => {
    const busy = Array.from({ length: 200 }, () => [0, 50] as const);
    expect(make(busy).expectedMs(at(0), 1000)).toBeCloseTo(50, 0);
  });

  it('is unknown where nothing was heard for long and nothing is under way', () => {
    const pace = make([[0, 150]]);
    expect(pace.expectedMs(at(0), 10_000)).toBeGreaterThan(ASSUMED_MS);
    expect(pace.expectedMs(at(0), 10_001)).toBeNaN();
    expect(pace.expectedMs(at(1), 10_001)).toBeGreaterThan(ASSUMED_MS);
  });

  it('follows what is seldom heard of at once', () => {
    const pace = make(Array.from({ length: 200 }, () => [0, 150] as const));
    pace.observe(0, 0, 20, 60_000);
    expect(pace.expectedMs(at(0), 60_000)).toBeLessThan(30);
  });

  it('is drawn towards what all instances take, where a few attempts speak of one', () => {
    const pace = make(Array.from({ length: 200 }, () => [0, 20] as const));
    expect(pace.expectedMs(at(0, 1), 1000)).toBeNaN();
    pace.observe(1, 0, 200, 0);
    expect(pace.expectedMs(at(0, 1), 1000)).toBeLessThan(70);
    for (let i = 0; i < 100; i++) pace.observe(1, 0, 200, 0);
    expect(pace.expectedMs(at(0, 1), 1000)).toBeGreaterThan(180);
  });

  it('is longer where more are in flight, also where answers come sooner than the round trip', () => {
    const pace = make(Array.from({ length: 20 }, () => [1, -5] as const));
    expect(pace.placeMs).toBeGreaterThan(0);
    expect(pace.expectedMs(at(3), 1000)).toBeGreaterThan(pace.expectedMs(at(0), 1000));
  });

  it('is known after a restart, of all instances as well', () => {
    const before = make(Array.from({ length: 200 }, () => [0, 40] as const));
    const after = make([]);
    after.restore(0, before.snapshot(0, 1000), 0);
    after.restore(1, { sumMs: 0, places: 0, ageMs: Number.POSITIVE_INFINITY }, 0);
    expect(after.placeMs).toBeCloseTo(40);
    after.observe(1, 0, 400, 0);
    expect(after.placeMs).toBeLessThan(50);
    const long = make([]);
    long.restore(0, { sumMs: 800, places: 20, ageMs: 3_600_000 }, 0);
    expect(long.placeMs).toBe(ASSUMED_MS);
  });

  it('is forgotten with the instance', () => {
    const pace = make([[0, 150]]);
    pace.forget(0);
    expect(pace.expectedMs(at(1), 1000)).toBe(2 * pace.placeMs);
  });
});
