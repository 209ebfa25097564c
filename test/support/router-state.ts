// A router's state as tests of what people see need it: every field filled in, single ones replaced.

import { instanceKey } from '../../src/core/domain.ts';
import type { InstanceState, RouterState } from '../../src/core/service-router.ts';

export function instanceStateOf(nodeId: string, changes: Partial<InstanceState> = {}): InstanceState {
  const instance = {
    service: 'pilotnet',
    nodeId,
    id: 'a',
    scheme: 'http' as const,
    host: '127.0.0.1',
    port: 9000,
    labels: {},
    profile: null,
  };
  return {
    key: instanceKey(instance),
    instance,
    local: false,
    availability: 'up',
    rttMs: 12,
    rttKnown: true,
    inFlight: 0,
    requestsPerSecond: 5,
    requests: 100,
    failures: 2,
    answeredAgeMs: 40,
    failing: false,
    reasons: [],
    results: {},
    serves: {},
    lacks: [],
    pool: 'exploitation',
    weight: 0.5,
    successProbability: 0.95,
    processingMs: 20,
    samples: 40,
    cooldownMs: 0,
    note: '',
    extra: {},
    ...changes,
  };
}

export function routerStateOf(changes: Partial<RouterState> = {}): RouterState {
  return {
    service: 'pilotnet',
    policy: 'qedgeproxy',
    qos: { latencyMs: 80, successRatio: 0.9, windowMs: 10_000 },
    successRatio: 0.97,
    requestsPerSecond: 10,
    inFlight: 1,
    clientsSatisfiedRatio: 0.75,
    summary: { explorationShare: 0.1, panic: false },
    affinity: null,
    neighbours: null,
    groups: [],
    instances: [instanceStateOf('pi-1'), instanceStateOf('pi-2')],
    requirements: [],
    clients: [{ clientId: 'camera-1', requests: 100, successRatio: 0.82 }],
    ...changes,
  };
}
