import { describe, expect, it } from 'vitest';
import type { Hearsay } from '../../../../src/core/neighbours/hearsay.ts';
import { readOptions } from '../../../../src/core/policies/options.ts';
import { Estimates } from '../../../../src/core/policies/qedge/estimates.ts';
import { QEDGE_OPTIONS } from '../../../../src/core/policies/qedge/options.ts';
import { FlightTable } from '../../../../src/core/router/flight-table.ts';
import { LatencyWindow } from '../../../../src/core/stats/latency-window.ts';
import { candidateAt } from '../../candidates.ts';
import { QOS } from '../../support.ts';

const LATENCY_MS = 80;
const UNLOADED_MS = 10;

/** What is estimated of one instance 10 ms away after a step at 2 s, with these samples and attempts in flight since then. */
function estimate(
  samples: readonly (readonly [atMs: number, latencyMs: number])[],
  {
    inFlightSinceMs = [] as readonly number[],
    options = {} as Record<string, unknown>,
    hearsay = null as Hearsay | null,
  } = {},
) {
  const flights = new FlightTable(100);
  flights.ensureHandles(1);
  for (const startMs of inFlightSinceMs) flights.add(0, startMs);
  const estimates = new Estimates(readOptions(QEDGE_OPTIONS, options).values, {
    qos: { ...QOS, latencyMs: LATENCY_MS },
    flights,
    hearsay,
  });
  estimates.ensureHandles(1);
  const window = new LatencyWindow(10_000);
  for (const [atMs, latencyMs] of samples) window.push(atMs, latencyMs);
  const candidate = candidateAt(0, 10);
  estimates.advance();
  estimates.refresh(candidate, window, { unloadedMs: UNLOADED_MS, nowMs: 2000 });
  const [success, processingMs, pressure, cost] = [
    estimates.success,
    estimates.processingMs,
    estimates.pressure,
    estimates.costs,
  ].map((values) => values[0] ?? Number.NaN) as [number, number, number, number];
  return { success, processingMs, pressure, cost };
}

/** One pseudo-sample, and samples that count by how fresh they are. */
const PRIOR = { memory: false, own_baseline: false, prior: 1, half_life: '2s' };

/** What neighbours say of every instance: so many samples, and in the last half minute as many answers, all of them late. */
function lateFor(weight: number): Hearsay {
  const late = { lately: weight, latelyInTime: 0, voices: 1, failing: false };
  return { look: () => {}, weight, ...late, sentPerSecond: () => 0 };
}

describe('what the slow loop knows of an instance', () => {
  it('is before any sample what neighbours saw, and beside own samples no more than the prior that this is', () => {
    const heard = { options: PRIOR, hearsay: lateFor(9) };
    expect(estimate([], heard).success).toBeCloseTo(0.1);
    const three = [20, 20, 20].map((latencyMs) => [2000, latencyMs] as const);
    expect(estimate(three, heard).success).toBeCloseTo((0.1 + 3) / 4);
    expect(estimate(three, heard).processingMs).toBeCloseTo(estimate(three, { options: PRIOR }).processingMs);
  });

  it('is the prior of its distance before any sample', () => {
    // Φ((80 − 10 − 16 − 4) / 6) = Φ(8.3), and 1.5 unloaded latencies.
    const { success, processingMs } = estimate([], { options: PRIOR });
    expect(success).toBeCloseTo(1, 9);
    expect(processingMs).toBeCloseTo(15, 9);
  });

  it('is the mean of samples by their freshness and of the prior', () => {
    // Half-life 2 s: one sample of now counts 1, one of 2 s ago ½, the prior 1. Both are far from the limit of 70 ms.
    const { success, processingMs } = estimate(
      [
        [0, 150],
        [2000, 20],
      ],
      { options: PRIOR },
    );
    expect(success).toBeCloseTo((1 + 1) / 2.5, 3);
    expect(processingMs).toBeCloseTo((20 + 0.5 * 150 + 15) / 2.5, 3);
  });

  it('takes what is in flight for longer than τ as failed already, at its age', () => {
    // 100 ms under way, 90 of them at the instance; the one of 79 ms says nothing yet.
    const { success, processingMs } = estimate([], { options: PRIOR, inFlightSinceMs: [1900, 1921] });
    expect(success).toBeCloseTo(0.5, 9);
    expect(processingMs).toBeCloseTo((90 + 15) / 2, 9);
  });

  it('presses by what latency exceeds the unloaded one: half at κ unloaded latencies', () => {
    // G = 17 by one fresh sample of 19 ms and the prior of 15: 7 ms above 10, and κ is 0.7.
    const { pressure } = estimate([[2000, 19]], { options: PRIOR });
    expect(pressure).toBeCloseTo(0.5, 9);
  });

  it('costs 1 − P + λ u', () => {
    const { success, pressure, cost } = estimate([[2000, 19]], { options: PRIOR });
    expect(cost).toBeCloseTo(1 - success + 0.8 * pressure, 9);
  });
});
