// A small scenario, described in code: three nodes in a row, an instance on each, one client on each load balancer.

import { NO_REQUIREMENTS } from '../../src/core/requirements/requirements.ts';
import type { InstanceModel, Scenario } from '../../src/sim/scenario.ts';
import { PLAIN_CLIENTS, PLAIN_MODEL } from '../bench/worlds/world.ts';

export const MODEL: InstanceModel = { ...PLAIN_MODEL, overheadFixedMs: 2, overheadMeanMs: 1, jobsMax: 1_000 };

export function smallScenario(changes: Partial<Scenario> = {}): Scenario {
  return {
    name: 'small',
    description: '',
    durationMs: 20_000,
    seeds: [1],
    policies: ['round-robin'],
    qos: { latencyMs: 80, successRatio: 0.9, windowMs: 10_000 },
    requirements: NO_REQUIREMENTS,
    load: 1,
    steadyFromMs: 5_000,
    topology: {
      kind: 'matrix',
      nodes: ['a', 'b', 'c'],
      rttMs: [
        [0.5, 10, 20],
        [10, 0.5, 10],
        [20, 10, 0.5],
      ],
      instances: ['a', 'b', 'c'],
      balancers: ['a', 'b', 'c'],
    },
    network: {
      jitterMs: 0.5,
      retries: 1,
      timeoutMs: 1_000,
      probeMs: 10_000,
      placementMs: 200,
      connections: { handshakeRtts: 0, idleMs: 4_000, warm: 0 },
    },
    model: MODEL,
    overrides: [],
    clients: [{ ...PLAIN_CLIENTS, each: 2, ratePerSecond: 10 }],
    events: [],
    ...changes,
  };
}

/** Two nodes, 30 ms apart; by default an instance on each, and a load balancer on the first. */
export function twoNodes(instances: readonly string[] = ['a', 'b']): Scenario['topology'] {
  return {
    kind: 'matrix',
    nodes: ['a', 'b'],
    rttMs: [
      [0.5, 30],
      [30, 0.5],
    ],
    instances,
    balancers: ['a'],
  };
}
