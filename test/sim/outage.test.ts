// All instances are gone for a while, and come back one after another.

import { describe, expect, it } from 'vitest';
import { NO_REQUIREMENTS, type Requirements } from '../../src/core/requirements/requirements.ts';
import { runExperiment } from '../../src/sim/experiment.ts';
import type { ScenarioEvent } from '../../src/sim/scenario.ts';
import { MODEL, smallScenario } from './support.ts';

interface Outage {
  readonly seed: number;
  readonly workMs: number;
  /** From when on success counts; the first instance is back at 40 s, the others at 50 s. */
  readonly fromMs: number;
  readonly requirements?: Partial<Requirements>;
}

function gone(instance: string, forMs: number): ScenarioEvent {
  return { kind: 'crash', instance, atMs: 10_000, forMs, detectedMs: Number.POSITIVE_INFINITY };
}

function successAfter({ seed, workMs, fromMs, requirements }: Outage): number {
  const scenario = smallScenario({
    durationMs: fromMs + 29_000,
    steadyFromMs: fromMs,
    model: { ...MODEL, workMeanMs: workMs },
    clients: smallScenario().clients.map((clients) => ({ ...clients, each: 8 })),
    events: [gone('i1', 30_000), gone('i2', 40_000), gone('i3', 40_000)],
    requirements: { ...NO_REQUIREMENTS, ...requirements },
  });
  const [result] = runExperiment({ scenario, policies: ['qedge'], seeds: [seed], regret: false });
  return result?.metrics.steadySuccessRatio ?? 0;
}

describe('after an outage of all instances', () => {
  // The first one has a limit then, since all went there.
  it.each([95_331, 95_341])('those that come back last are found while the first one refuses: seed %i', (seed) => {
    // A load of 56 %. Without a probe where there is no limit it is 0.86 in both.
    expect(successAfter({ seed, workMs: 7, fromMs: 60_000 })).toBeGreaterThan(0.98);
  });

  it('the latency goal comes before what failures have made of reliability and availability', () => {
    const successAsking = (requirements: Partial<Requirements>): number =>
      successAfter({ seed: 2, workMs: 10, fromMs: 51_000, requirements });
    const alone = successAsking({});
    expect(successAsking({ availability: { share: 0.99, overMs: 3_600_000 } })).toBeGreaterThan(alone - 0.1);
    expect(successAsking({ reliabilityRatio: 0.999 })).toBeGreaterThan(alone - 0.1);
  });
});
