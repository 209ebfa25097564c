import { describe, expect, it } from 'vitest';
import { Memory } from '../../../../src/core/policies/qedge/memory.ts';
import { candidatesAt } from '../../candidates.ts';

const WINDOW_MS = 10_000;
const STEP_MS = 500;
const MEMBERS = candidatesAt(2);

function make(): Memory {
  const memory = new Memory(WINDOW_MS);
  memory.ensureHandles(2);
  return memory;
}

describe('what is remembered of an instance', () => {
  it('is what its round trip promises while nothing was heard of it', () => {
    expect(make().success(0, 0.7)).toBe(0.7);
    expect(make().processingMs(0, 15)).toBe(15);
  });

  it('is how its attempts ended, with the promise as one more', () => {
    const memory = make();
    for (let i = 0; i < 9; i++) memory.observe(0, i < 3, 100);
    expect(memory.success(0, 1)).toBeCloseTo(0.4, 9);
    expect(memory.processingMs(0, 50)).toBeCloseTo(95, 9);
    expect(memory.success(1, 1)).toBe(1);
  });

  it('knows one that loses a request now and then from one that never did, and from one that fails', () => {
    const memory = make();
    const end = (errors: number, all: number): boolean => {
      for (let i = 0; i < all; i++) memory.observe(0, i >= errors, 100);
      for (let i = 0; i < errors; i++) memory.observeError(0);
      return memory.losesSome(0);
    };
    expect(memory.losesSome(0)).toBe(false);
    expect([end(0, 40), end(2, 10), end(20, 20)]).toEqual([false, true, false]);
    memory.forget(0);
    expect(memory.losesSome(0)).toBe(false);
  });

  it('fades by half in W where requests are many', () => {
    const memory = make();
    for (let i = 0; i < 8; i++) memory.observe(0, false, 100);
    for (let stepped = 0; stepped < WINDOW_MS; stepped += STEP_MS) {
      for (let i = 0; i < 20; i++) memory.observe(1, true, 10);
      memory.fade(MEMBERS, STEP_MS);
    }
    expect(memory.success(0, 1)).toBeCloseTo(1 / 5, 9);
  });

  it('fades by half in fifty requests where those take longer, and not at all without any', () => {
    const memory = make();
    for (let i = 0; i < 8; i++) memory.observe(0, false, 100);
    memory.fade(MEMBERS, 0);
    for (let i = 0; i < 50; i++) {
      memory.observe(1, true, 10);
      memory.fade(MEMBERS, 1000);
    }
    expect(memory.success(0, 1)).toBeCloseTo(1 / 5, 9);
    for (let i = 0; i < 1000; i++) memory.fade(MEMBERS, 1000);
    expect(memory.success(0, 1)).toBeCloseTo(1 / 5, 9);
  });

  it('is a promise worth what it was worth of all: nothing is known, all keep it, most break it', () => {
    const memory = make();
    const hopeAfter = (handle: number, inTime: boolean): number => {
      for (let i = 0; i < 99; i++) memory.observe(handle, inTime, 100);
      for (const member of MEMBERS) memory.compare(member.handle, 0.8);
      memory.fade(MEMBERS, 0);
      return memory.hope;
    };
    expect(memory.hope).toBe(1);
    expect(hopeAfter(0, true)).toBe(1);
    // (1 + 0.8 · 0.99) of (1 + 0.8 · 2 · 0.99).
    expect(hopeAfter(1, false)).toBeCloseTo(1.792 / 2.584, 9);
  });

  it('is gone with the instance', () => {
    const memory = make();
    memory.observe(0, false, 100);
    memory.forget(0);
    expect(memory.success(0, 1)).toBe(1);
  });
});
