// A generated world: a scenario, what it was drawn as, and how much it asks of what there is.

import type { ClientGroup, InstanceModel, Scenario, ScenarioEvent } from '../../../src/sim/scenario.ts';
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
    demandRate: clients.reduce((sum, group) => sum + group.each * countOf(group, places) * group.ratePerSecond, 0),
    bad: parts.bad ?? [],
  };
}

function countOf({ on }: ClientGroup, { balancers }: Places): number {
  if (on === 'all') return balancers.length;
  return typeof on === 'number' ? on : on.length;
}

/** Requests per second. */
export function capacityOf({ cores, workMeanMs }: InstanceModel): number {
  return (1_000 * cores) / workMeanMs;
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
      const { overheadFixedMs, overheadMeanMs, workMeanMs } = models[i] as InstanceModel;
      const rttMs = places.rttMs[node]?.[there] as number;
      return rttMs + overheadFixedMs + overheadMeanMs + (1 + WAIT_WORKS) * workMeanMs <= latencyMs ? [i] : [];
    }),
  );
  const capacities = models.map((model, i) => capacityOf(model) * (remaining?.[i] ?? 1));
  return tightnessOf({ loads, capacities, inReach });
}
