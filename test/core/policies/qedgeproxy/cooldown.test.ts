import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cooldown } from '../../../../src/core/policies/qedgeproxy/cooldown.ts';
import { isPanic } from '../../../../src/core/stats/panic.ts';
import { candidatesAt } from '../../candidates.ts';

function cooldownOf(handles: number): Cooldown {
  const cooldown = new Cooldown(3, 10_000);
  cooldown.ensureHandles(handles);
  return cooldown;
}

describe('cooldown', () => {
  it('starts at θ misses in a row and not before, and lasts exactly its time', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (hits) => {
        const cooldown = cooldownOf(1);
        let row = 0;
        let untilMs = Number.NEGATIVE_INFINITY;
        hits.forEach((hit, i) => {
          const nowMs = i * 500;
          row = hit ? 0 : row + 1;
          const starts = row >= 3 && nowMs >= untilMs;
          if (hit) cooldown.success(0);
          else expect(cooldown.miss(0, nowMs)).toBe(starts);
          if (starts) {
            untilMs = nowMs + 10_000;
            row = 0;
          }
          expect(cooldown.isEjected(0, nowMs)).toBe(nowMs < untilMs);
        });
      }),
    );
  });

  it('ends on time and starts no earlier again', () => {
    const cooldown = cooldownOf(1);
    for (let i = 0; i < 3; i++) cooldown.miss(0, 100);
    expect(cooldown.isEjected(0, 10_099)).toBe(true);
    expect(cooldown.isEjected(0, 10_100)).toBe(false);
    expect(cooldown.miss(0, 10_100)).toBe(false);
  });

  it('keeps instances apart, and forgets', () => {
    const cooldown = cooldownOf(2);
    for (let i = 0; i < 3; i++) cooldown.miss(1, 0);
    expect([cooldown.isEjected(0, 1), cooldown.isEjected(1, 1)]).toEqual([false, true]);
    cooldown.forget(1);
    expect(cooldown.isEjected(1, 1)).toBe(false);
  });
});

describe('panic', () => {
  it.each([
    [1, 1, true],
    [2, 1, false],
    [2, 2, true],
    [3, 1, false],
    [3, 2, true],
    [10, 5, false],
    [10, 6, true],
    [3, 0, false],
  ])('begins when more than half are out: of %i instances, %i, so %s', (count, out, expected) => {
    const cooldown = cooldownOf(count);
    for (let handle = 0; handle < out; handle++) for (let i = 0; i < 3; i++) cooldown.miss(handle, 0);
    expect(isPanic(candidatesAt(count), cooldown, 1)).toBe(expected);
  });
});
