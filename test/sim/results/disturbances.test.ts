import { describe, expect, it } from 'vitest';
import { disturbancesOf } from '../../../src/sim/results/disturbances.ts';
import type { ScenarioEvent } from '../../../src/sim/scenario.ts';
import { smallScenario } from '../support.ts';

const slow = (instance: string): ScenarioEvent => ({ kind: 'slow', instance, factor: 2, atMs: 5_000, forMs: 5_000 });

describe('what disturbs a scenario', () => {
  it('names each of a few events that come together', () => {
    expect(disturbancesOf(smallScenario({ events: [slow('i1'), slow('i2')] }))).toEqual([
      { atS: 5, label: 'slow i1, slow i2' },
      { atS: 10, label: 'slow over, slow over' },
    ]);
  });

  it('counts many of one kind', () => {
    const events = ['i1', 'i2', 'i3', 'i4', 'i5', 'i6'].map(slow);
    expect(disturbancesOf(smallScenario({ events })).map(({ label }) => label)).toEqual(['slow × 6', 'slow over × 6']);
  });
});
