import { describe, expect, it } from 'vitest';
import { mergeInstance, mergeOverviews } from '../../../src/app/workers/merge-states.ts';
import { instanceStateOf, routerStateOf } from '../../support/router-state.ts';

describe('the picture of several data planes', () => {
  it('is the picture of the only one', () => {
    const state = routerStateOf({});
    expect(mergeOverviews([state])).toBe(state);
  });

  it('adds up what is counted and weighs what is estimated', () => {
    const one = routerStateOf({
      requestsPerSecond: 30,
      successRatio: 1,
      inFlight: 2,
    });
    const two = routerStateOf({
      requestsPerSecond: 10,
      successRatio: 0.6,
      inFlight: 1,
    });
    const merged = mergeOverviews([one, two]);
    expect([merged.requestsPerSecond, merged.inFlight]).toEqual([40, 3]);
    expect(merged.successRatio).toBeCloseTo(0.9);
  });

  it('adds up what is counted of an instance and weighs what is estimated by its samples', () => {
    const merged = mergeInstance([
      instanceStateOf('n1', { weight: 1, requests: 5, successProbability: 1, samples: 30 }),
      instanceStateOf('n1', { weight: 0.5, requests: 7, successProbability: 0.6, samples: 10 }),
    ]);
    expect([merged.weight, merged.requests]).toEqual([0.75, 12]);
    expect(merged.successProbability).toBeCloseTo(0.9);
    const known = instanceStateOf('n2', { weight: 0.5, successProbability: 0.5, samples: 10 });
    const unknown = instanceStateOf('n2', { weight: 0, successProbability: null, samples: 0 });
    expect(mergeInstance([unknown, known])).toMatchObject({ weight: 0.25, successProbability: 0.5 });
  });

  it('names a neighbour as ignored where any of them ignores it', () => {
    const heardOf = (nodeId: string, ignoredMs: number) => {
      const wrongOver = ignoredMs > 0 ? 'n1/a' : null;
      return { nodeId, heardAgeMs: 100, silent: false, summaries: 9, instances: 2, samples: 5, ignoredMs, wrongOver };
    };
    const loop = (...heard: ReturnType<typeof heardOf>[]) => routerStateOf({ neighbours: { use: true, heard } });
    const merged = mergeOverviews([
      loop(heardOf('pi-1', 0), heardOf('pi-2', 0)),
      loop(heardOf('pi-1', 0), heardOf('pi-2', 40_000)),
    ]);
    expect(merged.neighbours).toEqual({ use: true, heard: [heardOf('pi-1', 0), heardOf('pi-2', 40_000)] });
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
    const merged = mergeOverviews([one, two]);
    expect(merged.clients.map(({ clientId, requests }) => [clientId, requests])).toEqual([
      ['b', 10],
      ['a', 100],
    ]);
    expect(merged.clients[1]?.successRatio).toBeCloseTo(0.95);
    expect(merged.clientsSatisfiedRatio).toBe(0.5);
  });

  it('judges the requirements of a client by all of its requests', () => {
    const accuracy = (level: number) => ({ requirement: 'accuracy', level, goal: 0.8, strain: (1 - level) / 0.2 });
    const of = (clientId: string, level: number, requests: number) => ({
      clientId,
      requests,
      successRatio: 1,
      requirements: [accuracy(level)],
      missed: level < 0.8 ? 'accuracy' : null,
    });
    const shown = { ...accuracy(0.8), clientsRatio: 1, heldShare: 0.8, price: null };
    const merged = mergeOverviews([
      routerStateOf({ requirements: [shown], clients: [of('a', 0.6, 10), of('b', 0.7, 10)] }),
      routerStateOf({ requirements: [shown], clients: [of('a', 0.9, 90)] }),
    ]);
    expect(merged.clients.map(({ clientId, missed }) => [clientId, missed])).toEqual([
      ['b', 'accuracy'],
      ['a', null],
    ]);
    expect(merged.clientsSatisfiedRatio).toBe(0.5);
    expect(merged.requirements[0]?.clientsRatio).toBe(0.5);
  });

  it('takes the worst clients of a long list for no more than the worst', () => {
    const level = { requirement: 'accuracy', level: 0.6, goal: 0.8, strain: 2 };
    const listed = (loop: string, count: number) =>
      Array.from({ length: count }, (_, i) => ({
        clientId: `${loop}-${i}`,
        requests: 10,
        successRatio: 0.5,
        requirements: [level],
        missed: 'accuracy',
      }));
    const loop = (name: string, count: number, ratio: number) =>
      routerStateOf({
        clientsSatisfiedRatio: ratio,
        requirements: [{ ...level, clientsRatio: ratio, heldShare: null, price: null }],
        clients: listed(name, count),
      });
    const merged = mergeOverviews([loop('a', 100, 0.9), loop('b', 50, 0)]);
    expect(merged.clientsSatisfiedRatio).toBeCloseTo(0.6);
    expect(merged.requirements[0]?.clientsRatio).toBeCloseTo(0.6);
  });
});
