import { describe, expect, it } from 'vitest';
import { Futility } from '../../../../src/core/policies/qedge/futility.ts';

const STEP_MS = 500;

/** Of so many seconds, those in which requests are refused, where so many a step are let through and end so. */
function refusedS(futility: Futility, seconds: number, { inTime = false, sentPerStep = 2 } = {}): number {
  let refusing = 0;
  let sent = 0;
  for (let nowMs = 0; nowMs < seconds * 1000; nowMs += STEP_MS) {
    if (!futility.isFutile(true, nowMs)) refusing += STEP_MS / 1000;
    for (sent += sentPerStep; sent >= 1; sent--) futility.end(nowMs, inTime);
  }
  return refusing;
}

/** Of a service that was in time once. */
function known(): Futility {
  const futility = new Futility();
  futility.forget();
  return futility;
}

describe('refusing where it gains nothing', () => {
  it('is not tried for a while where the service was never seen in time', () => {
    expect(refusedS(new Futility(), 4)).toBe(0);
    expect(refusedS(new Futility(), 60)).toBe(10);
  });

  it('is given up after ten seconds, and tried again more and more seldom', () => {
    expect(refusedS(known(), 60)).toBe(10);
    expect(refusedS(known(), 3600)).toBeLessThanOrEqual(60);
  });

  it('is given up as well where next to nothing is let through', () => {
    expect(refusedS(known(), 80, { sentPerStep: 0.1 })).toBeLessThanOrEqual(40);
  });

  it('goes on while what is let through is in time', () => {
    expect(refusedS(known(), 60, { inTime: true })).toBe(60);
  });

  it('is tried again at once when answers were in time without it', () => {
    const futility = known();
    refusedS(futility, 20);
    expect(futility.isFutile(false, 20_000)).toBe(true);
    futility.forget();
    expect(futility.isFutile(false, 20_500)).toBe(false);
  });
});
