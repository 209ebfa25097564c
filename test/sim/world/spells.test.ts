import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/core/rng.ts';
import { Spells } from '../../../src/sim/world/spells.ts';

describe('spells', () => {
  it('let everything happen in its time where there is no silence', () => {
    const spells = new Spells(createRng(1), { busyMs: 0, idleMs: 0 }, 0);
    expect([1, 50, 1e6].map((atMs) => spells.after(atMs))).toEqual([1, 50, 1e6]);
  });

  it('put off what falls into a silence to its end', () => {
    const spells = new Spells(createRng(1), { busyMs: 100, idleMs: 300 }, 0);
    const happenedMs: number[] = [];
    for (let atMs = 0; atMs < 200_000; atMs = spells.after(atMs + 10)) happenedMs.push(atMs);
    expect(happenedMs).toEqual(happenedMs.toSorted((a, b) => a - b));
    // 500 spells of each kind: five standard errors of the share of time are 0.06.
    expect(Math.abs(happenedMs.length / 20_000 - 0.25)).toBeLessThan(0.06);
  });
});
