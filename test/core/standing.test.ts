import { describe, expect, it } from 'vitest';
import { costPerRequest, energyPerRequest, requirementText } from '../../src/core/standing.ts';
import { instance as announced } from './support.ts';

describe('what a request takes', () => {
  const instance = (requestsPerSecond: number, profile: Record<string, unknown> | null) => ({
    instance: announced('a', { profile }),
    requestsPerSecond,
  });

  it('is the mean over the requests of the instances that say so', () => {
    const instances = [instance(30, { energy_mwh: 0.1 }), instance(10, { energy_mwh: [0.2, 0.4] }), instance(99, null)];
    expect(energyPerRequest(instances)).toBeCloseTo(0.15, 9);
  });

  it('is a cost likewise, in the currency of the profiles', () => {
    expect(costPerRequest([instance(30, { cost: 1 }), instance(15, { cost: 2 }), instance(99, null)])).toBe('1.33');
    expect(costPerRequest([instance(30, { energy_mwh: 0.1 })])).toBeNull();
  });

  it('is not known where none says so, or none has a request', () => {
    expect(energyPerRequest([instance(10, null)])).toBeNull();
    expect(energyPerRequest([instance(0, { energy_mwh: 0.1 })])).toBeNull();
  });
});

describe('a requirement in words', () => {
  it('is a throughput that is owed to each client, where all of them are meant', () => {
    const all = { requirement: 'throughput', level: null, goal: 5, strain: 0 };
    expect(requirementText(all)).toBe('throughput of 5.0/s to each');
    expect(requirementText({ ...all, level: 4 })).toBe('throughput 4.0/s of 5.0/s');
  });
});
