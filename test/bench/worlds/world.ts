// A generated world: a scenario, what it was drawn as, and how much it asks of what there is.

import { NO_REQUIREMENTS } from '../../../src/core/requirements/requirements.ts';
import {
  type ClientGroup,
  capacityOf,
  type InstanceModel,
  type NetworkSpec,
  type Scenario,
  type ScenarioEvent,
} from '../../../src/sim/scenario.ts';
import { busyRatio } from '../../../src/sim/world/spells.ts';
import type { Places } from './places.ts';
import { tightnessOf } from './tightness.ts';

export interface GeneratedWorld {
  readonly scenario: Scenario;
  /** What was drawn, in a few words: `alone`, `fifo`, `poisson`, … */
  readonly traits: readonly string[];
  /** Greatest regional load ÷ regional capacity, at the worst moment. */
  readonly tightness: number;
  /** Requests per second that all instances carry together, and that all clients send. */
  readonly capacityRate: number;
  readonly demandRate: number;
  /** Instances that nothing should be sent to. */
  readonly bad: readonly number[];
}

const FOREVER = Number.POSITIVE_INFINITY;

/** What is the same in all worlds unless they say otherwise. */
export const PLAIN_MODEL: InstanceModel = {
  discipline: 'processor-sharing',
  cores: 1,
  batch: null,
  workMeanMs: 5,
  workCv: 0.5,
  workTail: null,
  overheadFixedMs: 0,
  overheadMeanMs: 0,
  jobsMax: 256,
  stallEveryMs: FOREVER,
  stallMs: 0,
  coldLoadMs: 0,
  coldIdleMs: FOREVER,
  neighbour: null,
};

export const PLAIN_CLIENTS: ClientGroup = {
  each: 1,
  on: 'all',
  ratePerSecond: 1,
  pattern: 'periodic',
  burst: 1,
  busyMs: 0,
  idleMs: 0,
  driftPpm: 50,
  workFactor: 1,
  fromMs: 0,
  untilMs: FOREVER,
};

/** Connections that are always there. */
const CONNECTED: NetworkSpec['connections'] = { handshakeRtts: 0, idleMs: 4_000, warm: 0 };

export interface WorldParts {
  readonly name: string;
  readonly latencyMs: number;
  readonly durationMs: number;
  readonly steadyFromMs: number;
  readonly places: Places;
  /** Of each instance. */
  readonly models: readonly InstanceModel[];
  readonly clients: readonly ClientGroup[];
  readonly events: readonly ScenarioEvent[];
  readonly traits: readonly string[];
  readonly tightness: number;
  readonly bad?: readonly number[];
  readonly connections?: NetworkSpec['connections'];
}

export function assemble(parts: WorldParts): GeneratedWorld {
  const { places, models, clients } = parts;
  const nodeOf = (n: number): string => places.nodes[n] as string;
  const scenario: Scenario = {
    name: parts.name,
    description: parts.traits.join(', '),
    durationMs: parts.durationMs,
    seeds: [1],
    policies: ['qedge'],
    qos: { latencyMs: parts.latencyMs, successRatio: 0.9, windowMs: 10_000 },
    requirements: NO_REQUIREMENTS,
    load: 1,
    steadyFromMs: parts.steadyFromMs,
    topology: {
      kind: 'matrix',
      nodes: places.nodes,
      rttMs: places.rttMs,
      instances: places.instances.map(nodeOf),
      balancers: places.balancers.map(nodeOf),
    },
    network: {
      jitterMs: Math.min(2, parts.latencyMs / 160),
      retries: 1,
      timeoutMs: Math.max(1_000, 5 * parts.latencyMs),
      probeMs: 10_000,
      placementMs: 200,
      connections: parts.connections ?? CONNECTED,
    },
    model: models[0] as InstanceModel,
    overrides: models.map((model, i) => ({ instance: `i${i + 1}`, model })),
    clients,
    events: parts.events,
  };
  return {
    scenario,
    traits: parts.traits,
    tightness: parts.tightness,
    capacityRate: models.reduce((sum, model) => sum + capacityOf(model), 0),
    demandRate: clients.reduce((sum, group) => sum + countOf(group, places) * meanRateOf(group, parts.durationMs), 0),
    bad: parts.bad ?? [],
  };
}

/** Of all clients of the group on one load balancer over the whole run, their silence and absence included. */
function meanRateOf(group: ClientGroup, durationMs: number): number {
  const presentMs = Math.min(group.untilMs, durationMs) - group.fromMs;
  return group.each * group.ratePerSecond * busyRatio(group) * Math.max(0, presentMs / durationMs);
}

function countOf({ on }: ClientGroup, { balancers }: Places): number {
  if (on === 'all') return balancers.length;
  return typeof on === 'number' ? on : on.length;
}

/** A request that meets some others still comes back in time from what is in reach: a wait of this many times its work. */
const WAIT_WORKS = 2;

export interface Balance {
  readonly places: Places;
  readonly models: readonly InstanceModel[];
  readonly latencyMs: number;
  /** Requests per second of each load balancer. */
  readonly loads: readonly number[];
  /** What remains of each instance's capacity at the moment looked at. */
  readonly remaining?: readonly number[];
}

/** Tightness of a world; +Infinity where a load balancer has nothing in reach. */
export function worldTightness({ places, models, latencyMs, loads, remaining }: Balance): number {
  const inReach = places.balancers.map((node) =>
    places.instances.flatMap((there, i) => {
      const { overheadFixedMs, overheadMeanMs, workMeanMs, batch } = models[i] as InstanceModel;
      const rttMs = places.rttMs[node]?.[there] as number;
      const turnMs = batch === null ? workMeanMs : workMeanMs * (1 + batch.marginal * (batch.size - 1));
      return rttMs + overheadFixedMs + overheadMeanMs + (1 + WAIT_WORKS) * turnMs <= latencyMs ? [i] : [];
    }),
  );
  const capacities = models.map((model, i) => capacityOf(model) * (remaining?.[i] ?? 1));
  return tightnessOf({ loads, capacities, inReach });
}
