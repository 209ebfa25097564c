import { describe, expect, it } from 'vitest';
import { Futility } from '../../../../src/core/policies/qedge/futility.ts';

const STEP_MS = 500;

interface Ends {
  /** Every so many-th attempt is in time; 0: none. */
  readonly inTimeEvery?: number;
  readonly sentPerStep?: number;
  readonly takesMs?: number;
  /** All that is asked for, over what is let through. */
  readonly askedTimes?: number;
}

/** Of so many seconds, those in which requests are refused, where so many a step are let through and end so. */
function refusedS(futility: Futility, seconds: number, ends: Ends = {}): number {
  const { inTimeEvery = 0, sentPerStep = 2, takesMs = 200, askedTimes = 1 } = ends;
  let refusing = 0;
  let sent = 0;
  let ended = 0;
  for (let nowMs = 0; nowMs < seconds * 1000; nowMs += STEP_MS) {
    if (!futility.isFutile(true, askedTimes * sentPerStep, nowMs)) refusing += STEP_MS / 1000;
    for (sent += sentPerStep; sent >= 1; sent--) {
      futility.end(nowMs, inTimeEvery > 0 && ++ended % inTimeEvery === 0, takesMs);
    }
  }
  return refusing;
}

/** Of a service that was in time once, and of which the last answers, sent without a refusal, were late or in time so often. */
function known(inTimeEvery = 0): Futility {
  const futility = new Futility(80);
  futility.forget();
  for (let i = 1; i <= 100; i++) futility.end(0, inTimeEvery > 0 && i % inTimeEvery === 0, 200);
  return futility;
}

describe('refusing where it gains nothing', () => {
  it('is not tried for a while where the service was never seen in time', () => {
    expect(refusedS(new Futility(80), 4)).toBe(0);
    expect(refusedS(new Futility(80), 60)).toBe(10);
  });

  it('is given up after ten seconds, and tried again more and more seldom', () => {
    expect(refusedS(known(), 60)).toBe(10);
    expect(refusedS(known(), 3600)).toBeLessThanOrEqual(60);
  });

  it('is given up as well where next to nothing is let through', () => {
    expect(refusedS(known(), 80, { sentPerStep: 0.1 })).toBeLessThanOrEqual(40);
  });

  it('goes on while what is let through is in time', () => {
    expect(refusedS(known(), 60, { inTimeEvery: 1 })).toBe(60);
  });

  it('goes on while some are in time where none was', () => {
    expect(refusedS(known(), 60, { inTimeEvery: 10 })).toBe(60);
  });

  it('is given up where more of what is asked for were in time without it, as where some take long by nature', () => {
    expect(refusedS(known(10), 60, { inTimeEvery: 10, askedTimes: 2 })).toBe(10);
    expect(refusedS(known(6), 60, { inTimeEvery: 4, askedTimes: 2 })).toBe(10);
  });

  it('goes on while no fewer of what is asked for are in time', () => {
    expect(refusedS(known(5), 60, { inTimeEvery: 2, askedTimes: 2 })).toBe(60);
  });

  it('goes on while answers are quicker than without it, and stops for a moment to see how that is now', () => {
    expect(refusedS(known(), 50, { takesMs: 100 })).toBe(50);
    expect(refusedS(known(), 60, { takesMs: 100 })).toBe(55);
  });

  it('is given up for long where answers were no slower in that moment', () => {
    expect(refusedS(known(), 120, { takesMs: 100 })).toBe(60);
  });

  it('is tried again at once when answers were in time without it for as long as a trial takes', () => {
    const futility = known();
    refusedS(futility, 20);
    futility.rest(0.1, true, 19_500);
    for (let nowMs = 20_000; nowMs < 29_000; nowMs += STEP_MS) futility.rest(0.9, false, nowMs);
    futility.rest(0.3, false, 29_000);
    expect(futility.isFutile(false, 2, 30_000)).toBe(true);
    for (let nowMs = 30_000; nowMs <= 40_000; nowMs += STEP_MS) futility.rest(0.9, false, nowMs);
    expect(futility.isFutile(false, 2, 40_500)).toBe(false);
  });
});
