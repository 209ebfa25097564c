// Users that wait for each answer, and instances with profiles: what they ask for, what it costs and gives.

import { describe, expect, it } from 'vitest';
import { runExperiment } from '../../src/sim/experiment.ts';
import { createStream } from '../../src/sim/random.ts';
import { resultTable } from '../../src/sim/report/text-table.ts';
import type { ClientGroup, Scenario } from '../../src/sim/scenario.ts';
import { ClientGroups } from '../../src/sim/world/client-groups.ts';
import { MODEL, smallScenario } from './support.ts';

const [OPEN] = smallScenario().clients as [ClientGroup];
const MODELS = {
  small: { ...MODEL, profile: { accuracy: [78, 20], energy_mwh: 0.1, inference_ms: 8 } },
  large: { ...MODEL, workMeanMs: 20, profile: { accuracy: 80, energy_mwh: [0.3, 0.4], inference_ms: 23 } },
};

function closed(changes: Partial<ClientGroup> = {}): Scenario {
  return smallScenario({
    durationMs: 60_000,
    model: MODELS.small,
    overrides: [{ instance: 'i2', model: MODELS.large }],
    clients: [{ ...OPEN, each: 1, on: ['a'], thinkMs: 90, ...changes }],
  });
}

const runOf = (scenario: Scenario, policy: string) => {
  const [result] = runExperiment({ scenario, policies: [policy], seeds: [2], regret: true });
  if (result === undefined) throw new Error('no result');
  return result.metrics;
};

describe('a user that waits for each answer', () => {
  it('asks as often as thinking and waiting allow', () => {
    const { requests, latencyMeanMs } = runOf(closed(), 'lowest-energy');
    expect(requests * (90 + latencyMeanMs)).toBeGreaterThan(0.9 * 60_000);
    expect(requests * (90 + latencyMeanMs)).toBeLessThan(1.1 * 60_000);
  });

  it('asks again after a request that was lost', () => {
    const events: Scenario['events'] = [
      { kind: 'crash', atMs: 0, instance: 'i1', forMs: 60_000, detectedMs: 60_000 },
      { kind: 'crash', atMs: 0, instance: 'i2', forMs: 60_000, detectedMs: 60_000 },
      { kind: 'crash', atMs: 0, instance: 'i3', forMs: 60_000, detectedMs: 60_000 },
    ];
    expect(runOf({ ...closed(), events }, 'round-robin').endings.refused).toBeGreaterThan(400);
  });

  it('asks in another rhythm under no other seed', () => {
    expect(runOf(closed(), 'lowest-time')).toEqual(runOf(closed(), 'lowest-time'));
  });

  it('has no regret: what it asks for depends on the policy', () => {
    expect(runOf(closed(), 'round-robin').regretRequests).toBeNull();
  });
});

describe('instances with profiles', () => {
  it('are counted by the energy and the accuracy of what they answered', () => {
    const scenario = closed({ groups: { shares: [0, 1], holdMs: 1_000, crowd: 0 } });
    expect(runOf(scenario, 'highest-accuracy').energyMwh).toBeCloseTo(0.4, 9);
    expect(runOf(scenario, 'highest-accuracy').accuracy).toBe(80);
    expect(runOf(scenario, 'lowest-energy').energyMwh).toBeCloseTo(0.1, 9);
    expect(runOf(scenario, 'lowest-energy').accuracy).toBe(20);
  });

  it('are chosen by the group of the last answer', () => {
    const scenario = closed({ groups: { shares: [1, 1], holdMs: 2_000, crowd: 0 } });
    const { accuracy, energyMwh } = runOf(scenario, 'multi-objective');
    // Half of the scenes are simple; only the first frame of a scene is taken for one of the scene before.
    expect(accuracy).toBeGreaterThan(75);
    expect(energyMwh).toBeGreaterThan(0.15);
    expect(energyMwh).toBeLessThan(0.35);
  });

  it('count what they see, of which a poor one in a crowd sees little', () => {
    const counting = (crowd: number): number | null =>
      runOf(closed({ groups: { shares: [1, 1], holdMs: 2_000, crowd } }), 'multi-objective').accuracy;
    // A crowd of two is often counted as nothing by the one that sees a fifth of it, which is asked again for it.
    expect(counting(2)).toBeLessThan((counting(0) ?? 0) - 5);
  });

  it('have columns of their own in the table, and only they', () => {
    const results = runExperiment({ scenario: closed(), policies: ['lowest-energy'], seeds: [1], regret: false });
    expect(resultTable(closed(), results, 400)).toMatch(/energy +accuracy\n.*\n.*0\.100 mWh +78\.0/);
    const plain = runExperiment({ scenario: smallScenario(), policies: ['random'], seeds: [1], regret: false });
    expect(resultTable(smallScenario(), plain, 400)).not.toContain('energy');
  });
});

describe('the scenes in front of a client', () => {
  it('are counted as far as they are seen', () => {
    const spec = { shares: [1, 1, 1], holdMs: 1_000, crowd: 6 };
    const groups = new ClientGroups(createStream(1, 'groups'), spec, createStream(1, 'counts'));
    expect([0, 1, 2].map((group) => groups.counted(group, 100))).toEqual([0, 1, 2]);
    expect([0, 1, 2].map((group) => groups.counted(group, 0))).toEqual([0, 0, 0]);
    const counted = Array.from({ length: 20_000 }, () => groups.counted(2, 20));
    // 0.8⁶ see nothing, 6 · 0.2 · 0.8⁵ one.
    expect(counted.filter((group) => group === 0).length / counted.length).toBeCloseTo(0.262, 1);
    expect(counted.filter((group) => group === 1).length / counted.length).toBeCloseTo(0.393, 1);
    expect(new ClientGroups(createStream(1, 'groups'), { ...spec, crowd: 0 }).counted(2, 0)).toBe(2);
  });

  it('last for a while and come in their shares', () => {
    const groups = new ClientGroups(createStream(1, 'groups'), { shares: [1, 0, 3], holdMs: 1_000, crowd: 0 });
    const seen = Array.from({ length: 40_000 }, (_, i) => groups.at(i * 100));
    const shareOf = (group: number): number => seen.filter((one) => one === group).length / seen.length;
    expect(shareOf(0)).toBeCloseTo(0.25, 1);
    expect(shareOf(1)).toBe(0);
    const changes = seen.filter((one, i) => i > 0 && one !== seen[i - 1]).length;
    // A new scene is the same again in 1/16 + 9/16 of cases.
    expect(changes).toBeGreaterThan(0.8 * 4_000 * 0.375);
    expect(changes).toBeLessThan(1.2 * 4_000 * 0.375);
  });
});
