import { describe, expect, it } from 'vitest';
import { OWED_MAX, Turns } from '../../../../src/core/policies/qedge/turns.ts';
import { candidateAt } from '../../candidates.ts';

function make(): Turns {
  const turns = new Turns(80);
  turns.ensureHandles(2);
  return turns;
}

describe('turns', () => {
  it('are owed to the one that hands them on, by the one that takes them over', () => {
    const turns = make();
    turns.hand(0, 1);
    expect(turns.owedMs(0)).toBe(turns.priceMs);
    expect(turns.owedMs(1)).toBe(-turns.priceMs);
    turns.hand(1, 0);
    expect([0, 1].map((handle) => turns.owed(handle))).toEqual([0, 0]);
  });

  it('are owed up to a limit, so that a share that is wrong is soon made up for', () => {
    const turns = make();
    for (let i = 0; i < 100; i++) turns.hand(0, 1);
    expect([0, 1].map((handle) => turns.owed(handle))).toEqual([OWED_MAX, -OWED_MAX]);
  });

  it('shift shares by what was handed on for good since the last step', () => {
    const turns = make();
    turns.requests = 4;
    turns.hand(0, 1);
    turns.hand(0, 1);
    turns.hand(1, 0);
    expect([0, 1].map((handle) => turns.shift(handle))).toEqual([-0.25, 0.25]);
    turns.step([candidateAt(0, 1), candidateAt(1, 1)]);
    expect([0, 1].map((handle) => turns.shift(handle))).toEqual([0, 0]);
  });

  it('are forgotten with the instance', () => {
    const turns = make();
    turns.hand(0, 1);
    turns.forget(0);
    expect(turns.owed(0)).toBe(0);
  });
});
