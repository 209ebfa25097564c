import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../src/scenario/scenario-file.ts';
import { runExperiment } from '../../src/sim/experiment.ts';

const ALONE = resolve(import.meta.dirname, '../../config/scenarios/alone-poisson.toml');

/** Success share of each seed, learning included. */
function success(policy: string, load: number, seeds: readonly number[]): number[] {
  const scenario = { ...loadScenario(ALONE), load, durationMs: 60_000, steadyFromMs: 30_000 };
  const results = runExperiment({ scenario, policies: [policy], seeds: [...seeds], regret: false });
  return results.map(({ metrics }) => metrics.successRatio);
}

describe('a load balancer that fills its instances by itself', () => {
  it('keeps their queues short', () => {
    expect(Math.min(...success('qedge', 1, [201, 202]))).toBeGreaterThan(0.98);
  });

  it('does not settle where all of them are full and each answer is late', () => {
    // Without a price for being passed over these seeds lose a tenth for good.
    expect(Math.min(...success('qedge', 1.5, [105, 106, 115]))).toBeGreaterThan(0.95);
  });
});
