// A small scenario, described in code: three nodes in a row, an instance on each, one client on each load balancer.

import { NO_REQUIREMENTS } from '../../src/core/requirements/requirements.ts';
import type { InstanceModel, Scenario } from '../../src/sim/scenario.ts';

export const MODEL: InstanceModel = {
  discipline: 'processor-sharing',
  cores: 1,
  batch: null,
  workMeanMs: 5,
  workCv: 0.5,
  workTail: null,
  overheadFixedMs: 2,
  overheadMeanMs: 1,
  jobsMax: 1_000,
  stallEveryMs: Number.POSITIVE_INFINITY,
  stallMs: 0,
  neighbour: null,
  coldLoadMs: 0,
  coldIdleMs: Number.POSITIVE_INFINITY,
};

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
    clients: [
      {
        each: 2,
        on: 'all',
        ratePerSecond: 10,
        pattern: 'periodic',
        burst: 1,
        busyMs: 0,
        idleMs: 0,
        driftPpm: 50,
        workFactor: 1,
        fromMs: 0,
        untilMs: Number.POSITIVE_INFINITY,
      },
    ],
    events: [],
    ...changes,
  };
}
