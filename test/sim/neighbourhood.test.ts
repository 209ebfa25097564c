import { describe, expect, it } from 'vitest';
import { runOne } from '../../src/sim/experiment.ts';
import { computeMetrics } from '../../src/sim/results/metrics.ts';
import type { NeighboursSpec, Scenario } from '../../src/sim/scenario.ts';
import { createWorld } from '../../src/sim/world/world.ts';
import { smallScenario } from './support.ts';

const SPEC: NeighboursSpec = {
  max: 8,
  samplesMax: 20,
  everyMs: 500,
  delayMs: 20,
  lossRatio: 0,
  liars: [],
  liedAbout: '',
  liedMs: 1,
};

function withNeighbours(spec: Partial<NeighboursSpec> | null): Scenario {
  const scenario = smallScenario();
  return spec === null ? scenario : { ...scenario, network: { ...scenario.network, neighbours: { ...SPEC, ...spec } } };
}

function routed(scenario: Scenario, policy = 'qedge'): string {
  const recorder = runOne({ scenario, world: createWorld(scenario, 3), policy, seed: 3 });
  return `${recorder.routed.join(' ')} ${computeMetrics(recorder, scenario, null).latencyMeanMs}`;
}

describe('a simulated neighbourhood', () => {
  it('changes nothing while every message is lost, and something when none is', () => {
    const alone = routed(withNeighbours(null));
    expect(routed(withNeighbours({ lossRatio: 1 }))).toBe(alone);
    expect(routed(withNeighbours({}))).not.toBe(alone);
  });

  it('is the same to the last bit under the same seed', () => {
    expect(routed(withNeighbours({ lossRatio: 0.3 }))).toBe(routed(withNeighbours({ lossRatio: 0.3 })));
  });

  it('is nothing to policies that estimate nothing', () => {
    expect(routed(withNeighbours({}), 'round-robin')).toBe(routed(withNeighbours(null), 'round-robin'));
  });
});
