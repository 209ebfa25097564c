import { describe, expect, it } from 'vitest';
import { InstanceResults } from '../../../src/core/router/instance-results.ts';
import { NO_REASON } from '../../../src/core/verdict/reason.ts';

const STATUS_503 = 503;

function note(results: InstanceResults, count: number, bad: boolean, nowMs = 0): (string | null)[] {
  return Array.from({ length: count }, () =>
    results.record(bad ? 'failed' : 'success', bad ? STATUS_503 : NO_REASON, nowMs),
  );
}

describe('the results of an instance', () => {
  it('say that it begins to fail after three bad attempts in a row, and once', () => {
    const results = new InstanceResults();
    note(results, 50, false);
    expect(note(results, 10, true).filter((turn) => turn !== null)).toEqual(['failing']);
    expect(results.failing).toBe(true);
  });

  it('say of one that never answered that it fails', () => {
    expect(note(new InstanceResults(), 3, true)).toEqual([null, 'failing', null]);
  });

  it('say that it is well again when its attempts have been good for a while', () => {
    const results = new InstanceResults();
    note(results, 20, true);
    expect(note(results, 30, false).filter((turn) => turn !== null)).toEqual(['well']);
    expect(results.failing).toBe(false);
  });

  it('take no account of an attempt that says nothing of the instance', () => {
    const results = new InstanceResults();
    note(results, 3, true);
    for (let i = 0; i < 100; i++) results.record('declined', NO_REASON, 0);
    expect(results.failing).toBe(true);
  });

  it('say nothing of a single failure now and then', () => {
    const results = new InstanceResults();
    const turns = Array.from({ length: 20 }, () => [...note(results, 1, true), ...note(results, 19, false)]).flat();
    expect(turns.every((turn) => turn === null)).toBe(true);
  });

  it('report one that comes and goes once a minute at the most', () => {
    const results = new InstanceResults();
    const round = (nowMs: number) => [...note(results, 20, true, nowMs), ...note(results, 30, false, nowMs)];
    const turnsOf = (nowMs: number) => round(nowMs).filter((turn) => turn !== null);
    expect([turnsOf(0), turnsOf(1000), turnsOf(61_000)]).toEqual([['failing', 'well'], [], ['failing', 'well']]);
  });

  it('give the shares of what was held against it in its last attempts', () => {
    const results = new InstanceResults();
    note(results, 100, false);
    note(results, 16, true);
    expect(results.reasons).toEqual([{ reason: 'status 503', share: 0.25 }]);
    expect(results.counts).toEqual({ success: 100, failed: 16 });
  });
});
