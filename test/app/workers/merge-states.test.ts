import { describe, expect, it } from 'vitest';
import { mergeStates } from '../../../src/app/workers/merge-states.ts';
import { instanceStateOf, routerStateOf } from '../../support/router-state.ts';

describe('the picture of several data planes', () => {
  it('is the picture of the only one', () => {
    const state = routerStateOf({});
    expect(mergeStates([state])).toBe(state);
  });

  it('adds up what is counted and weighs what is estimated', () => {
    const one = routerStateOf({
      requestsPerSecond: 30,
      successRatio: 1,
      inFlight: 2,
      instances: [
        instanceStateOf('n1', { weight: 1, requests: 5, successProbability: 1, samples: 30 }),
        instanceStateOf('n2', { weight: 0, requests: 1, successProbability: null, samples: 0 }),
      ],
    });
    const two = routerStateOf({
      requestsPerSecond: 10,
      successRatio: 0.6,
      inFlight: 1,
      instances: [
        instanceStateOf('n1', { weight: 0.5, requests: 7, successProbability: 0.6, samples: 10 }),
        instanceStateOf('n2', { weight: 0.5, requests: 2, successProbability: 0.5, samples: 10 }),
      ],
    });
    const merged = mergeStates([one, two]);
    expect([merged.requestsPerSecond, merged.inFlight]).toEqual([40, 3]);
    expect(merged.successRatio).toBeCloseTo(0.9);
    expect(merged.instances.map(({ weight, requests }) => [weight, requests])).toEqual([
      [0.75, 12],
      [0.25, 3],
    ]);
    expect(merged.instances[0]?.successProbability).toBeCloseTo(0.9);
    expect(merged.instances[1]?.successProbability).toBe(0.5);
  });

  it('puts the requests of a client together, worst served first', () => {
    const qos = { latencyMs: 80, successRatio: 0.9, windowMs: 10_000 };
    const one = routerStateOf({ qos, clients: [{ clientId: 'a', requests: 10, successRatio: 0.5 }] });
    const two = routerStateOf({
      qos,
      clients: [
        { clientId: 'b', requests: 10, successRatio: 0.7 },
        { clientId: 'a', requests: 90, successRatio: 1 },
      ],
    });
    const merged = mergeStates([one, two]);
    expect(merged.clients.map(({ clientId, requests }) => [clientId, requests])).toEqual([
      ['b', 10],
      ['a', 100],
    ]);
    expect(merged.clients[1]?.successRatio).toBeCloseTo(0.95);
    expect(merged.clientsSatisfiedRatio).toBe(0.5);
  });
});
