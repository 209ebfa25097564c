import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../../src/core/domain.ts';
import { Queueing } from '../../../../src/core/policies/qedge/queueing.ts';

const STALE_MS = 2000;

function make(): Queueing {
  const queueing = new Queueing(STALE_MS);
  queueing.ensureHandles(2);
  return queueing;
}

/** Every try waits for those ahead of it: 30 ms each. */
function fill(queueing: Queueing, counts: readonly number[], nowMs = 0): void {
  for (const ahead of counts) sent(queueing, ahead, { takes: 30 * (ahead + 1), nowMs });
}

function sent(queueing: Queueing, ahead: number, { takes, nowMs = 0 }: { takes: number; nowMs?: number }): void {
  queueing.choose(0, false);
  queueing.observe(0, ahead, takes, nowMs);
}

/** What one takes that finds nothing ahead. */
const IDLE_MS = 31;

const RUSH = Array.from({ length: 60 }, (_, i) => i % 4);

describe('the queue that a request would join', () => {
  it('is unknown while little was seen', () => {
    const queueing = make();
    fill(queueing, [0, 1, 2]);
    expect(queueing.expectedMs(0, 5, IDLE_MS, 0)).toBeNaN();
    expect(queueing.expectedMs(1, 0, IDLE_MS, 0)).toBeNaN();
  });

  it('is foreseen beyond what was seen, by what each one more took', () => {
    const queueing = make();
    fill(queueing, RUSH);
    expect(queueing.expectedMs(0, 0, IDLE_MS, 0)).toBeGreaterThan(28);
    expect(queueing.expectedMs(0, 0, IDLE_MS, 0)).toBeLessThan(40);
    expect(queueing.expectedMs(0, 6, IDLE_MS, 0)).toBeGreaterThan(190);
    expect(queueing.expectedMs(0, 6, IDLE_MS, 0)).toBeLessThan(211);
  });

  it('costs nothing where what is in flight makes no difference', () => {
    const queueing = make();
    for (const ahead of RUSH) sent(queueing, ahead, { takes: 12 });
    expect(queueing.expectedMs(0, 40, IDLE_MS, 0)).toBeCloseTo(12, 6);
  });

  it('is never shorter for being longer', () => {
    const queueing = make();
    for (const ahead of RUSH) sent(queueing, ahead, { takes: 50 - 10 * ahead });
    expect(queueing.expectedMs(0, 8, IDLE_MS, 0)).toBe(queueing.expectedMs(0, 3, IDLE_MS, 0));
    expect(queueing.expectedMs(0, 3, IDLE_MS, 0)).toBeGreaterThan(queueing.expectedMs(0, 0, IDLE_MS, 0));
  });

  it('follows an instance that became quicker', () => {
    const queueing = make();
    fill(queueing, RUSH);
    for (let round = 0; round < 6; round++) for (const ahead of RUSH) sent(queueing, ahead, { takes: 5 * (ahead + 1) });
    expect(queueing.expectedMs(0, 6, IDLE_MS, 0)).toBeLessThan(45);
  });

  it('is not foreseen where others make it: below a third of what the instance can do', () => {
    const queueing = make();
    // 60 tries with a half-life of 2 s are 21 a second: 15 ms each are 0.31 of one processor, 17 ms are 0.35.
    fill(queueing, RUSH);
    expect(queueing.expectedMs(0, 6, 15, 0)).toBeNaN();
    expect(queueing.expectedMs(0, 6, 17, 0)).toBeGreaterThan(17);
  });

  it('grows by what an idle instance takes at the most: what is steeper has other causes', () => {
    const queueing = make();
    fill(queueing, RUSH);
    expect(queueing.expectedMs(0, 6, 20, 0) - queueing.expectedMs(0, 5, 20, 0)).toBeCloseTo(20, 6);
  });

  it('is forgotten when no answer came for long, so that the instance is tried again', () => {
    const queueing = make();
    fill(queueing, RUSH);
    expect(queueing.expectedMs(0, 6, IDLE_MS, STALE_MS)).toBeGreaterThan(100);
    expect(queueing.expectedMs(0, 6, IDLE_MS, STALE_MS + 1)).toBeNaN();
    fill(queueing, [0], STALE_MS + 1);
    expect(queueing.expectedMs(0, 6, IDLE_MS, STALE_MS + 1)).toBeNaN();
  });

  it('is in proportion where only long ones were seen, so that an empty instance is not taken for a full one', () => {
    const queueing = make();
    fill(queueing, Array(60).fill(3));
    expect(queueing.expectedMs(0, 3, IDLE_MS, 0)).toBeCloseTo(120, 6);
    expect(queueing.expectedMs(0, 0, IDLE_MS, 0)).toBeCloseTo(30, 6);
  });
});

describe('the share that an instance was passed over for', () => {
  it('follows what the weights would have given it', () => {
    const queueing = make();
    expect(queueing.passedShare(0)).toBe(0);
    for (let i = 0; i < 99; i++) queueing.choose(0, i % 3 > 0);
    expect(queueing.passedShare(0)).toBeCloseTo(0.66, 6);
    expect(queueing.passedShare(1)).toBe(0);
    queueing.fade([{ handle: 0 } as Candidate], 0);
    expect(queueing.passedShare(0)).toBe(0);
  });

  it('is forgotten with the instance', () => {
    const queueing = make();
    queueing.choose(0, true);
    queueing.forget(0);
    expect(queueing.passedShare(0)).toBe(0);
  });
});
