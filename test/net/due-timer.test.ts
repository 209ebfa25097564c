import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DueTimer } from '../../src/net/due-timer.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Things that are due at given times; each is done once. */
function makeDue(...dueMs: number[]): { due: number[]; done: number[]; timer: DueTimer } {
  const due = [...dueMs];
  const done: number[] = [];
  const clock = { nowMs: () => performance.now() };
  const startMs = clock.nowMs();
  const timer = new DueTimer({
    clock,
    nextMs: () => startMs + Math.min(Number.POSITIVE_INFINITY, ...due),
    onDue: () => {
      const nowMs = clock.nowMs() - startMs;
      done.push(...due.filter((atMs) => atMs <= nowMs));
      due.splice(0, due.length, ...due.filter((atMs) => atMs > nowMs));
    },
  });
  return { due, done, timer };
}

describe('a timer for what is due next', () => {
  it('calls when something is due, one thing after the other, and not before its start', () => {
    const { done, timer } = makeDue(100, 300);
    vi.advanceTimersByTime(50);
    expect(vi.getTimerCount()).toBe(0);
    timer.start();
    vi.advanceTimersByTime(50);
    expect(done).toEqual([100]);
    vi.advanceTimersByTime(200);
    expect(done).toEqual([100, 300]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('comes in time for what is due sooner than what it waits for, once it is aimed again', () => {
    const { due, done, timer } = makeDue(300);
    timer.start();
    due.push(100);
    timer.aim();
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(100);
    expect(done).toEqual([100]);
  });

  it('calls at once for what was due before', () => {
    const { done, timer } = makeDue(Number.NEGATIVE_INFINITY);
    timer.start();
    vi.advanceTimersByTime(1);
    expect(done).toEqual([Number.NEGATIVE_INFINITY]);
  });

  it('waits for what is due after the longest time that Node can wait', () => {
    const { done, timer } = makeDue(2 ** 31 + 1000);
    timer.start();
    vi.advanceTimersByTime(2 ** 31);
    expect(done).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(done).toEqual([2 ** 31 + 1000]);
  });

  it('calls no more once it is stopped, even when it is aimed', () => {
    const { done, timer } = makeDue(100);
    timer.start();
    timer.stop();
    timer.aim();
    vi.advanceTimersByTime(200);
    expect(done).toEqual([]);
    timer.start();
    vi.advanceTimersByTime(1);
    expect(done).toEqual([100]);
  });
});
