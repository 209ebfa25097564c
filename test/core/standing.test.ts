import { describe, expect, it } from 'vitest';
import { costPerRequest, energyPerRequest, requirementText, seenSuccess } from '../../src/core/standing.ts';
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

describe('the success of an instance', () => {
  it('is not known before it was asked or heard of', () => {
    expect(seenSuccess({ successProbability: 1, requests: 0, samples: 0 })).toBeNull();
    expect(seenSuccess({ successProbability: 0.5, requests: 1, samples: 0 })).toBe(0.5);
    expect(seenSuccess({ successProbability: 0.9, requests: 0, samples: 3 })).toBe(0.9);
  });
});

describe('a requirement in words', () => {
  it('has what is wanted beside it', () => {
    const level = (requirement: string, level: number, goal: number) => ({ requirement, level, goal, strain: 0 });
    expect(requirementText(level('accuracy', 0.712, 0.6))).toBe('accuracy 71.2 % (60 % wanted)');
    expect(requirementText(level('mean-latency', 62, 50))).toBe('mean-latency 62 ms (at most 50 ms wanted)');
  });

  it('is a throughput that is owed to each client, where all of them are meant', () => {
    const all = { requirement: 'throughput', level: null, goal: 5, strain: 0 };
    expect(requirementText(all)).toBe('throughput of 5.0/s to each');
    expect(requirementText({ ...all, level: 4 })).toBe('throughput 4.0/s (5.0/s wanted)');
  });
});
