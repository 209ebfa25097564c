import { describe, expect, it } from 'vitest';
import { computeMetrics, jain } from '../../../src/sim/results/metrics.ts';
import { Recorder } from '../../../src/sim/results/recorder.ts';
import { computeSeries } from '../../../src/sim/results/series.ts';
import { smallScenario } from '../support.ts';

/** One client a row: how many of its 10 requests succeed in each second. */
function recorderOf(rows: readonly (readonly number[])[]): Recorder {
  const seconds = rows[0]?.length ?? 0;
  const recorder = new Recorder({ seconds, clients: rows.length, instances: 1, balancers: 1, profiles: [], fits: [] });
  for (const [c, row] of rows.entries()) {
    for (const [s, good] of row.entries()) {
      for (let r = 0; r < 10; r++) recorder.ended(c, s * 1_000, r < good ? 'success' : 'late');
    }
  }
  return recorder;
}

const repeat = (good: number, seconds: number): number[] => Array.from({ length: seconds }, () => good);
const scenario = smallScenario({ durationMs: 60_000, steadyFromMs: 30_000 });

describe('metrics', () => {
  it('counts a client as satisfied from ρ on', () => {
    const metrics = computeMetrics(recorderOf([repeat(9, 60), repeat(8, 60), repeat(10, 60)]), scenario, null);
    expect(metrics.satisfiedRatio).toBeCloseTo(2 / 3);
    expect(metrics.worstClientRatio).toBeCloseTo(0.8);
    expect(metrics.successRatio).toBeCloseTo(0.9);
  });

  it('is stricter with a client whose bad windows are many', () => {
    // 54 s of 10 and 6 s of 0 are 90 % in all, yet every window that touches more than one bad second falls short.
    const metrics = computeMetrics(
      recorderOf([[...repeat(10, 27), ...repeat(0, 6), ...repeat(10, 27)]]),
      scenario,
      null,
    );
    expect(metrics.satisfiedRatio).toBe(1);
    expect(metrics.strictlySatisfiedRatio).toBe(0);
  });

  it('gives a share of exactly ρ to be enough, in any case', () => {
    // 0.55 · 100 is more than 55 in floating point.
    const half = Array.from({ length: 60 }, (_, s) => (s % 2 === 0 ? 5 : 6));
    const { satisfiedRatio, strictlySatisfiedRatio } = computeMetrics(
      recorderOf([half]),
      { ...scenario, qos: { ...scenario.qos, successRatio: 0.55 } },
      null,
    );
    expect([satisfiedRatio, strictlySatisfiedRatio]).toEqual([1, 1]);
  });

  it('finds when success has settled', () => {
    const metrics = computeMetrics(recorderOf([[...repeat(5, 10), ...repeat(10, 50)]]), scenario, null);
    // Rolling over 10 s: 98 % from second 20 on, which is when the last bad second has left.
    expect(metrics.convergenceS).toBe(20);
    expect(metrics.steadySuccessRatio).toBe(1);
  });

  it('measures what an event did: dip, recovery, and which clients are satisfied after it', () => {
    const events = [{ kind: 'hang', atMs: 20_000, instance: 'i1', forMs: Number.POSITIVE_INFINITY }] as const;
    const rows = [[...repeat(10, 20), ...repeat(5, 4), ...repeat(10, 36)], repeat(10, 60)];
    const [hang] = computeMetrics(recorderOf(rows), { ...scenario, events }, null).disturbances;
    expect(hang).toMatchObject({ label: 'hang i1', atS: 20, beforeRatio: 1, satisfiedAfterRatio: 1 });
    expect(hang?.lowestRatio).toBeCloseTo(0.9);
    expect(hang?.worstClientAfterRatio).toBeCloseTo(0.95);
    // The last of the four bad seconds has left the rolling 10 s.
    expect(hang?.recoveryS).toBe(14);
  });

  it('counts regret in requests that the oracle saved', () => {
    const [mine, oracle] = [recorderOf([repeat(8, 60)]), recorderOf([repeat(10, 60)])];
    expect(computeMetrics(mine, scenario, oracle).regretRequests).toBe(120);
    expect(computeSeries(mine, oracle).cumulativeRegret?.slice(0, 3)).toEqual([2, 4, 6]);
  });
});

describe('a recorder', () => {
  it('counts clients of any rate', () => {
    const recorder = new Recorder({ seconds: 1, clients: 1, instances: 1, balancers: 1, profiles: [], fits: [] });
    for (let i = 0; i < 70_000; i++) recorder.ended(0, 500, 'success');
    expect(computeMetrics(recorder, scenario, null).requests).toBe(70_000);
  });

  it('comes to figures also when no client sent anything', () => {
    const nothing = new Recorder({ seconds: 60, clients: 1, instances: 1, balancers: 1, profiles: [], fits: [] });
    expect(computeMetrics(nothing, scenario, null)).toMatchObject({
      requests: 0,
      successRatio: 1,
      worstClientRatio: 1,
      latencyP50Ms: Number.NaN,
    });
  });
});

describe("Jain's index", () => {
  it('is 1 for equal shares and 1/n when one has all', () => {
    expect(jain([5, 5, 5])).toBe(1);
    expect(jain([9, 0, 0])).toBeCloseTo(1 / 3);
  });
});
