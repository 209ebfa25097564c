import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../src/scenario/scenario-file.ts';
import { runExperiment } from '../../src/sim/experiment.ts';

const PAPER = resolve(import.meta.dirname, '../../config/scenarios/paper-fs.toml');

describe("the paper's experiment", () => {
  it('puts the policies in the order of the paper, and the default before them all', () => {
    const policies = ['qedge', 'qedgeproxy', 'dec-sarsa', 'proxy-mity:alpha=1'];
    const scenario = { ...loadScenario(PAPER), durationMs: 60_000, steadyFromMs: 30_000 };
    const results = runExperiment({ scenario, policies, seeds: [201], regret: false });
    const success = results.map(({ metrics }) => metrics.steadySuccessRatio);
    expect(success).toEqual(success.toSorted((a, b) => b - a));
    const [qedge = 0, qedgeproxy = 0, decSarsa = 1, proximity = 1] = success;
    // The distances of the full runs are 1, 4 and 25 points; a minute of one topology keeps a third of each.
    expect(qedge - qedgeproxy).toBeGreaterThan(0.003);
    expect(qedgeproxy - decSarsa).toBeGreaterThan(0.013);
    expect(decSarsa - proximity).toBeGreaterThan(0.08);
  });
});
