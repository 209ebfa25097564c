// Several requirements in a simulation: what counts for them, what the report says, and what the oracle makes of them.

import { describe, expect, it } from 'vitest';
import { type AttributeShare, NO_REQUIREMENTS, type Requirements } from '../../src/core/requirements/requirements.ts';
import { runExperiment } from '../../src/sim/experiment.ts';
import { toCsv } from '../../src/sim/report/data-files.ts';
import { resultTable } from '../../src/sim/report/text-table.ts';
import type { RequirementMetrics } from '../../src/sim/results/requirements.ts';
import type { InstanceModel, Scenario } from '../../src/sim/scenario.ts';
import { ACCURACY_SHARE, NO_ATTRIBUTES } from '../core/support.ts';
import { MODEL, smallScenario } from './support.ts';

const ACCURATE: AttributeShare = { ...ACCURACY_SHARE, share: 0.6 };
const HOUR = { share: 0.99, overMs: 3_600_000 };
const LARGE: InstanceModel = { ...MODEL, workMeanMs: 12, profile: { accuracy: 0.97, energy_mwh: 0.3 } };
const SMALL: InstanceModel = { ...MODEL, profile: { accuracy: 0.8, energy_mwh: 0.1 } };

function asking(requirements: Partial<Requirements>, changes: Partial<Scenario> = {}): Scenario {
  return smallScenario({
    durationMs: 30_000,
    model: SMALL,
    overrides: [{ instance: 'i2', model: LARGE }],
    requirements: { ...NO_REQUIREMENTS, ...requirements },
    ...changes,
  });
}

function runOf(scenario: Scenario, policy: string) {
  const [result] = runExperiment({ scenario, policies: [policy], seeds: [2], regret: false });
  if (result === undefined) throw new Error('no result');
  const { requirements, ...metrics } = result.metrics;
  const of = (name: string): RequirementMetrics | undefined => requirements.find((one) => one.name === name);
  return { result, metrics, of, names: requirements.map(({ name }) => name) };
}

describe('requirements in a simulation', () => {
  it('are counted in every window of every client', () => {
    const { of, names } = runOf(
      asking({
        meanLatencyMs: 60,
        reliabilityRatio: 0.99,
        availability: HOUR,
        throughputPerSecondMin: 5,
        shares: [{ ...ACCURATE, accuracyMin: 0.99 }],
      }),
      'round-robin',
    );
    expect(names).toEqual([
      'latency',
      'mean latency',
      'reliability',
      'availability',
      'throughput',
      'accuracy share',
      'all',
    ]);
    expect(of('latency')).toMatchObject({ value: 1, windowsRatio: 1, worstClientRatio: 1, clientsRatio: 1 });
    expect(of('mean latency')?.value).toBeLessThan(40);
    expect(of('throughput')?.value).toBeCloseTo(10, 0);
    // No instance is that accurate.
    expect(of('accuracy share')?.value).toBe(0);
    expect(of('accuracy share')?.windowsRatio).toBe(0);
    expect(of('all')).toMatchObject({ value: null, windowsRatio: 0, clientsRatio: 0 });
  });

  it('hold for a client that is refused nothing, and not for one that is', () => {
    const events: Scenario['events'] = [{ kind: 'errors', atMs: 0, instance: 'i1', forMs: 30_000, ratio: 0.5 }];
    const retries = { ...smallScenario().network, retries: 0 };
    const { of } = runOf(asking({ reliabilityRatio: 0.9 }, { events, network: retries }), 'round-robin');
    expect(of('reliability')?.value).toBeCloseTo(5 / 6, 1);
    expect(of('reliability')?.windowsRatio).toBeLessThan(0.2);
  });

  it.each([
    ['a label', { labels: { zone: 'home' } }, { labels: { zone: 'home' } }],
    ['a tier', { tiers: ['near-edge'] }, { tier: 'near-edge' }],
    ['TLS', { tls: true }, { tls: true }],
    ['few hops', { hopsMax: 0 }, {}],
  ] as const)('ask for %s that instances have', (_, wanted, facts) => {
    const share: AttributeShare = { ...NO_ATTRIBUTES, ...wanted, name: 'it', share: 0.5 };
    const scenario = asking({ shares: [share] }, { overrides: [{ instance: 'i2', model: { ...SMALL, ...facts } }] });
    const held = runOf(scenario, 'round-robin').of('it share');
    expect(held?.value).toBeGreaterThan(0.5);
    expect(held?.value).toBeLessThan(0.7);
  });

  it('have columns of their own in the report, and only they', () => {
    const scenario = asking({ shares: [ACCURATE] });
    const { result } = runOf(scenario, 'round-robin');
    expect(resultTable(scenario, [result], 400)).toMatch(/accuracy share held +all held +worst client held\n/);
    expect(toCsv(scenario, [result])).toContain('accuracy share,accuracy share held,all,all held');
    const plain = runOf(asking({}), 'round-robin');
    expect(plain.names).toEqual([]);
    expect(resultTable(asking({}), [plain.result], 400)).not.toContain('held');
  });
});

describe('the oracle under several requirements', () => {
  it('gives each its share and saves what is left', () => {
    const { metrics, of } = runOf(
      asking({ shares: [ACCURATE], objective: { least: 'energy', keepRatio: 0.02 } }),
      'oracle',
    );
    expect(of('latency')?.value).toBeGreaterThan(0.95);
    expect(of('accuracy share')?.value).toBeGreaterThan(0.6);
    expect(of('accuracy share')?.value).toBeLessThan(0.64);
    expect(metrics.energyMwh).toBeLessThan(0.3 * 0.64 + 0.1 * 0.36);
  });

  it('puts latency first where not everything is to be had', () => {
    // The accurate one carries a third of what comes.
    const scenario = asking({ shares: [{ ...ACCURATE, share: 0.9 }] }, { load: 4 });
    const { of } = runOf(scenario, 'oracle');
    expect(of('latency')?.value).toBeGreaterThan(0.9);
    expect(of('accuracy share')?.value).toBeGreaterThan(0.2);
    expect(of('accuracy share')?.value).toBeLessThan(0.34);
  });

  it('sends nothing where it must not', () => {
    const security = { ...NO_ATTRIBUTES, labels: { zone: 'home' } };
    const scenario = asking(
      { security, shares: [ACCURATE] },
      { overrides: [{ instance: 'i2', model: { ...LARGE, labels: { zone: 'home' } } }] },
    );
    expect(runOf(scenario, 'oracle').of('accuracy share')?.value).toBe(1);
  });
});
