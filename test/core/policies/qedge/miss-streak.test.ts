import { describe, expect, it } from 'vitest';
import { ERROR_WEIGHT, MissStreak } from '../../../../src/core/policies/qedge/miss-streak.ts';

function streakOf(): MissStreak {
  const streak = new MissStreak(80, 4000);
  streak.ensureHandles(2);
  return streak;
}

describe('miss streak', () => {
  it('is late for 80 ms, three times as long after each further miss, 4 s at the most', () => {
    const streak = streakOf();
    let nowMs = 1000;
    for (const waitMs of [80, 240, 720, 2160, 4000, 4000]) {
      streak.miss(0, 1, { startMs: nowMs, nowMs });
      expect(streak.untilMs(0) - nowMs).toBe(waitMs);
      expect(streak.isLate(0, nowMs + waitMs - 1)).toBe(true);
      expect(streak.isLate(0, nowMs + waitMs)).toBe(false);
      nowMs += 5000;
    }
    expect(streak.isLate(1, nowMs)).toBe(false);
  });

  it('counts a round of requests once: those under way when the last miss was counted add nothing', () => {
    const streak = streakOf();
    streak.miss(0, 1, { startMs: 100, nowMs: 300 });
    streak.miss(0, 1, { startMs: 200, nowMs: 310 });
    streak.miss(0, 1, { startMs: 299, nowMs: 320 });
    expect(streak.misses(0)).toBe(1);
    streak.miss(0, 1, { startMs: 301, nowMs: 400 });
    expect(streak.misses(0)).toBe(2);
  });

  it('takes an instance out with the third miss or the first error, once', () => {
    const streak = streakOf();
    const tripped = [0, 1, 2, 3].map((i) => streak.miss(0, 1, { startMs: i * 1000, nowMs: i * 1000 + 1 }));
    expect(tripped).toEqual([false, false, true, false]);
    expect(streak.miss(1, ERROR_WEIGHT, { startMs: 0, nowMs: 10 })).toBe(true);
    expect(streak.isEjected(1, 11)).toBe(true);
  });

  it('ends with a success, and forgets', () => {
    const streak = streakOf();
    streak.miss(0, 2, { startMs: 0, nowMs: 10 });
    streak.success(0);
    expect([streak.misses(0), streak.isLate(0, 11)]).toEqual([0, false]);
    streak.forget(0);
    expect(streak.lastMs(0)).toBe(Number.NEGATIVE_INFINITY);
  });
});
