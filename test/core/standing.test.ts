import { describe, expect, it } from 'vitest';
import { energyPerRequest } from '../../src/core/standing.ts';
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

  it('is not known where none says so, or none has a request', () => {
    expect(energyPerRequest([instance(10, null)])).toBeNull();
    expect(energyPerRequest([instance(0, { energy_mwh: 0.1 })])).toBeNull();
  });
});
