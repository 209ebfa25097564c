// The account of all clients together beside those of each.

import { describe, expect, it } from 'vitest';
import type { RequestEnding } from '../../../src/core/domain.ts';
import { Accounts, ALL, IS_FAILED, IS_OWN } from '../../../src/core/requirements/accounts.ts';
import { NO_REQUIREMENTS } from '../../../src/core/requirements/requirements.ts';
import { ACCURACY_SHARE, NO_ATTRIBUTES } from '../support.ts';

const ASKED = {
  ...NO_REQUIREMENTS,
  meanLatencyMs: 50,
  reliabilityRatio: 0.9,
  shares: [ACCURACY_SHARE, { ...NO_ATTRIBUTES, name: 'zone=home', share: 0.5, labels: { zone: 'home' } }],
};
const WINDOW_MS = 10_000;

const ended = (latencyMs: number, ending: RequestEnding = 'success') => ({
  clientId: 'a',
  ending,
  latencyMs,
  handle: 0,
});

function accounts(): Accounts {
  const made = new Accounts(ASKED, WINDOW_MS);
  made.ensureRows(3);
  return made;
}

const levelsOf = (of: Accounts, row: number, nowMs: number) =>
  Object.fromEntries(of.levels(row, nowMs).map(({ requirement, level }) => [requirement, level]));

describe('the account of all clients together', () => {
  it('has what the clients have together, in each part of the window, and nothing older', () => {
    const of = accounts();
    // Every third fails, every fourth is of the second client; one in two serves the first share, all serve the second.
    for (let i = 0; i < 240; i++) {
      const how = (i % 2) | 2 | (i % 3 === 0 ? IS_FAILED : 0);
      of.record(i % 4 === 0 ? 2 : 1, ended(40), how, 100 * i);
    }
    for (const nowMs of [23_900, 23_901]) {
      const all = levelsOf(of, ALL, nowMs);
      expect(all['mean-latency']).toBeCloseTo(40, 3);
      expect(all.reliability).toBeCloseTo(2 / 3, 1);
      expect(all.accuracy).toBeCloseTo(0.5, 1);
      expect(all['zone=home']).toBe(1);
    }
    expect(levelsOf(of, ALL, 40_000)['mean-latency']).toBeNull();
  });

  it('has what belongs to no client beside what belongs to one, at once', () => {
    const of = accounts();
    of.record(1, ended(20), 0, 0);
    of.record(ALL, ended(100), 0, 10);
    expect(levelsOf(of, ALL, 10)['mean-latency']).toBe(60);
    // Two answers took 20 ms more than is allowed.
    expect(of.allowanceMs(ALL)).toBe(30);
  });

  it('leaves out what was a matter of the client alone', () => {
    const of = accounts();
    of.record(1, ended(20), 0, 0);
    of.record(1, ended(60, 'late'), IS_OWN, 0);
    expect(levelsOf(of, ALL, 0)['mean-latency']).toBe(20);
    expect(levelsOf(of, 1, 0)['mean-latency']).toBe(40);
  });

  it('counts an answer that turned out to be none, long after the last one as well', () => {
    const of = accounts();
    of.record(1, ended(20), 1, 0);
    of.record(1, ended(20), 1, 0);
    of.fail(ALL, 0);
    expect(levelsOf(of, ALL, 0).reliability).toBe(0.5);
    of.record(1, ended(20), 1, 1000);
    of.fail(ALL, 60_000);
    of.record(1, ended(30), 1, 60_000);
    expect(levelsOf(of, ALL, 60_000)['mean-latency']).toBeNull();
    of.record(1, ended(50), 1, 60_001);
    expect(levelsOf(of, ALL, 60_001)).toMatchObject({ 'mean-latency': 80, reliability: 0.5 });
  });

  it('forgets all with a reset', () => {
    const of = accounts();
    of.record(1, ended(20), 1, 0);
    of.clear(ALL);
    expect(levelsOf(of, ALL, 0)).toMatchObject({ 'mean-latency': null, accuracy: null });
  });
});
