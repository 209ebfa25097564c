// Event loops on one port decide each for itself, by what all have in flight; together they do about as well as one that sees everything.

import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../src/scenario/scenario-file.ts';
import { runExperiment } from '../../src/sim/experiment.ts';
import type { RunMetrics } from '../../src/sim/results/metrics.ts';

const SCENARIOS = resolve(import.meta.dirname, '../../config/scenarios');

/** Of each seed, learning included; `load` on top of 120 requests a second, where the instances carry 316. */
function runs(name: string, load: number): RunMetrics[] {
  const file = loadScenario(resolve(SCENARIOS, `${name}.toml`));
  const scenario = { ...file, load, durationMs: 90_000, steadyFromMs: 45_000 };
  return runExperiment({ scenario, policies: ['qedge'], seeds: [201, 202, 203], regret: false }).map(
    (run) => run.metrics,
  );
}

const meanSuccess = (metrics: readonly RunMetrics[]): number =>
  metrics.reduce((sum, { successRatio }) => sum + successRatio, 0) / metrics.length;

describe('four event loops on one port', () => {
  it.each([1, 1.5, 2])('do as well as one within a point, at a load of %s', (load) => {
    const four = runs('workers', load);
    expect(meanSuccess(four)).toBeGreaterThan(meanSuccess(runs('alone', load)) - 0.01);
  });

  it.each([2.7, 3])(
    'leave the clients of none without answers at a load of %s, more than there is room for',
    (load) => {
      const four = runs('workers', load);
      expect(meanSuccess(four)).toBeGreaterThan(meanSuccess(runs('alone', load)) - 0.03);
      for (const { worstClientRatio } of four) expect(worstClientRatio).toBeGreaterThan(0.2);
    },
  );
});
