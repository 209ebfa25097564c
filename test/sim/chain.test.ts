import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../src/scenario/scenario-file.ts';
import { runExperiment } from '../../src/sim/experiment.ts';

const SHIPPED = resolve(import.meta.dirname, '../../config/scenarios/chain.toml');

describe('a scenario with a chain', () => {
  // The tracker takes longer from the 30th second on.
  const scenario = { ...loadScenario(SHIPPED), durationMs: 60_000 };
  const [byWork, evenly] = ['qedge:shed=false@work', 'qedge:shed=false@even'];
  const policies = ['qedge', byWork, evenly];
  const results = runExperiment({ scenario, policies, seeds: [1], regret: true });
  const successOf = (policy: string): number =>
    results.find((one) => one.policy === policy)?.metrics.successRatio ?? Number.NaN;

  it('shows the learned split no worse than a fixed one where a stage takes longer', () => {
    expect(successOf('qedge')).toBeGreaterThan(successOf(byWork) - 0.015);
    expect(successOf('qedge')).toBeGreaterThan(successOf(evenly) - 0.005);
  });

  it('refuses nothing: a run may be in time though a stage of it is late', () => {
    expect(results.map(({ metrics }) => metrics.shedRatio)).toEqual([0, 0, 0]);
  });

  it('counts a run once, from its first request to its last answer', () => {
    const [{ metrics }] = results as [(typeof results)[0]];
    expect(metrics.requests).toBeGreaterThan(0.9 * 60 * 32 * 7.4);
    expect(metrics.requests).toBeLessThan(1.1 * 60 * 32 * 7.4);
    expect(metrics.latencyMeanMs).toBeGreaterThan(45);
  });
});
