import { describe, expect, it } from 'vitest';
import type { DecisionLog, DecisionLogLine } from '../../src/core/decision-log.ts';
import { createRng } from '../../src/core/rng.ts';
import { evaluateOffPolicy } from '../../src/sim/off-policy.ts';
import { instance, QOS } from '../core/support.ts';

const SECONDS = 90;
const PER_SECOND = 20;

/** Two instances in turn: `quick` answers in about 25 ms; `slow` in about 70 ms, and past the limit a third of the time. */
function recorded(seed = 1): DecisionLog {
  const rng = createRng(seed);
  const lines: DecisionLogLine[] = ['quick', 'slow'].map((nodeId) => ({
    kind: 'instance',
    atMs: 0,
    instance: instance(nodeId),
    availability: 'up',
    rttMs: 5,
  }));
  for (let i = 0; i < SECONDS * PER_SECOND; i++) {
    const quick = i % 2 === 0;
    const latencyMs = quick ? 20 + 10 * rng.next() : 50 + 45 * rng.next();
    const key = quick ? 'quick/a' : 'slow/a';
    lines.push({ kind: 'attempt', atMs: (i * 1_000) / PER_SECOND, key, weight: 0.5, latencyMs, result: 'answered' });
  }
  const header = { kind: 'header', version: 1, service: 'pilotnet', nodeId: 'quick', policy: 'round-robin', qos: QOS };
  return { header: header as DecisionLog['header'], lines };
}

const evaluate = (name: string, log = recorded(), latencyMs = QOS.latencyMs) =>
  evaluateOffPolicy(log, { policy: { name, options: {} }, qos: { ...QOS, latencyMs }, seed: 1 });

describe('off-policy evaluation', () => {
  it('estimates the recorded policy as what really happened, every attempt counting in full', () => {
    const estimate = evaluate('round-robin');
    expect(estimate.successRatio).toBeCloseTo(estimate.recordedSuccessRatio ?? 0, 9);
    expect(estimate.effectiveAttempts).toBeCloseTo(estimate.attempts, 6);
    // The first window is left out; two thirds of the slow half are in time: 5/6 ± a few standard errors of 1,600 attempts.
    expect(estimate.attempts).toBe((SECONDS - QOS.windowMs / 1_000) * PER_SECOND);
    expect(Math.abs((estimate.successRatio ?? 0) - 5 / 6)).toBeLessThan(0.04);
  });

  it('sees that a policy that learns would have done better, with fewer attempts to go by', () => {
    const estimate = evaluate('qedge');
    expect(estimate.successRatio ?? 0).toBeGreaterThan(0.95);
    expect(estimate.effectiveAttempts).toBeLessThan(estimate.attempts);
    const [low = 1, high = 0] = estimate.interval ?? [];
    expect(low).toBeLessThanOrEqual(estimate.successRatio ?? 0);
    expect(high).toBeGreaterThanOrEqual(estimate.successRatio ?? 1);
  });

  it('has an interval that holds the truth for most seeds', () => {
    // Round-robin's truth is 5/6; of 40 intervals of 95 % at least 33 hold it but once in thousands of runs.
    const held = Array.from({ length: 40 }, (_, i) => evaluate('round-robin', recorded(i + 1)).interval).filter(
      (interval) => interval !== null && interval[0] <= 5 / 6 && interval[1] >= 5 / 6,
    );
    expect(held.length).toBeGreaterThanOrEqual(33);
  });

  it('counts by another limit when asked to', () => {
    expect(evaluate('round-robin', recorded(), 200).successRatio).toBe(1);
    expect(evaluate('round-robin', recorded(), 40).successRatio).toBeCloseTo(0.5, 2);
  });

  it('says nothing where there is nothing to go by', () => {
    const { header, lines } = recorded();
    const short = { header, lines: lines.slice(0, 300) };
    expect(evaluate('qedge', short).interval).toBeNull();
    expect(evaluate('qedge', { header, lines: [] })).toMatchObject({ attempts: 0, successRatio: null, interval: null });
  });
});
