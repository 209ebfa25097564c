// A scenario and a seed → everything that will happen under any policy: topology, instances, clients, and the timeline of
// changes. Two policies under one seed live in the same world.

import type { Rng } from '../../core/rng.ts';
import { createStream, sample, uniform } from '../random.ts';
import type { ClientGroup, InstanceModel, Scenario, ScenarioEvent } from '../scenario.ts';
import type { Change, TimedChange } from './change.ts';
import type { GroupsSpec } from './client-groups.ts';
import { bursts, hiccups, type Recurring, uplink } from './recurring.ts';
import { generateTopology, type Topology } from './topology.ts';

/** All that will happen under any policy, drawn from a scenario and a seed. */
export interface World {
  readonly topology: Topology;
  /** Node of each load balancer. */
  readonly balancers: readonly number[];
  readonly instances: readonly WorldInstance[];
  readonly clients: readonly WorldClient[];
  /** Changes, ordered by time. */
  readonly timeline: readonly TimedChange[];
}

/** An instance as the world has it: where it stands, and how it answers. */
export interface WorldInstance {
  readonly id: string;
  readonly node: number;
  readonly model: InstanceModel;
  /** Index of the chain that it runs; 0 where there is none. */
  readonly stage: number;
  /** Runs and is known to all at the start. */
  readonly fromStart: boolean;
}

/** One client; times in ms, `untilMs` +Infinity while it stays. */
export interface WorldClient {
  readonly id: string;
  readonly balancer: number;
  readonly pattern: 'periodic' | 'poisson';
  /** Mean time from an answer to its next request, ms; null for clients that send without waiting. */
  readonly thinkMs: number | null;
  readonly groups: GroupsSpec | null;
  readonly workFactor: number;
  /** Time from one emission of `burst` requests to the next, ms. */
  readonly periodMs: number;
  readonly burst: number;
  readonly busyMs: number;
  readonly idleMs: number;
  /** Time of its first request. */
  readonly firstMs: number;
  readonly untilMs: number;
}

/** @throws NoTopologyError */
export function createWorld(scenario: Scenario, seed: number): World {
  const topology = createTopology(scenario, seed);
  const balancers = balancerNodes(scenario, topology);
  const instances = createInstances(scenario, topology);
  const places = { topology, balancers };
  const clients = scenario.clients.flatMap((group, g) => createClients(group, g, { scenario, places, seed }));
  const rng = createStream(seed, 'targets');
  const names = instances.filter(({ fromStart }) => fromStart).map(({ id }) => id);
  const timeline = scenario.events
    .flatMap((event, e): TimedChange[] => {
      const rng = createStream(seed, event.kind, e);
      const { durationMs: endMs } = scenario;
      switch (event.kind) {
        case 'hiccups':
          return hiccups(event, instances.length, { rng, endMs });
        case 'bursts':
          return bursts(event, chooseInstances(event.instances, instances, rng), { rng, endMs });
        case 'uplink':
          return chooseBalancers(event.on, places, rng).flatMap((balancer) => uplink(event, balancer, { rng, endMs }));
        case 'broker':
          return [{ atMs: event.atMs, change: { kind: 'broker', how: event.how, untilMs: event.atMs + event.forMs } }];
        default:
          return expand(event, pickTarget(event), endMs);
      }
    })
    .sort((a, b) => a.atMs - b.atMs);
  return { topology, balancers, instances, clients, timeline };

  function pickTarget(event: Targeted): Target {
    if (event.kind === 'restart') return { instance: -1, balancers: chooseBalancers(event.on, places, rng) };
    const id = event.instance === 'random' ? sample(rng, names, 1)[0] : event.instance;
    return { instance: instances.findIndex((one) => one.id === id), balancers: [] };
  }
}

interface Places {
  readonly topology: Topology;
  readonly balancers: readonly number[];
}

function createTopology({ topology, qos }: Scenario, seed: number): Topology {
  if (topology.kind === 'europe') {
    const { nodes, instances, idleProcessingMs } = topology;
    return generateTopology({ nodes, instances, idleProcessingMs, latencyMsMax: qos.latencyMs, seed });
  }
  return {
    nodes: topology.nodes,
    rttMs: Float64Array.from(topology.rttMs.flat()),
    centers: topology.instances.map((name) => topology.nodes.indexOf(name)),
  };
}

function balancerNodes({ topology: spec }: Scenario, { nodes }: Topology): number[] {
  return spec.kind === 'matrix' ? spec.balancers.map((name) => nodes.indexOf(name)) : nodes.map((_, n) => n);
}

function createInstances(
  { model, overrides, events, stages = [] }: Scenario,
  { nodes, centers }: Topology,
): WorldInstance[] {
  const stageOf = (id: string): number =>
    Math.max(
      0,
      stages.findIndex(({ instances }) => instances.includes(id)),
    );
  const modelOf = (id: string): InstanceModel => overrides.find(({ instance }) => instance === id)?.model ?? model;
  const placed = centers.map((node, i) => ({ id: `i${i + 1}`, node, fromStart: true }));
  const joining = events.flatMap((event) =>
    event.kind === 'join' ? [{ id: event.instance, node: nodes.indexOf(event.node), fromStart: false }] : [],
  );
  return [...placed, ...joining].map((one) => ({ ...one, model: modelOf(one.id), stage: stageOf(one.id) }));
}

function createClients(
  group: ClientGroup,
  g: number,
  { scenario, places, seed }: { readonly scenario: Scenario; readonly places: Places; readonly seed: number },
): WorldClient[] {
  const rng = createStream(seed, 'clients', g);
  const chosen = chooseBalancers(group.on, places, rng);
  const thinkMs = group.thinkMs === undefined ? null : group.thinkMs / scenario.load;
  const meanPeriodMs = thinkMs ?? 1_000 / (group.ratePerSecond * scenario.load);
  return chosen.flatMap((balancer) =>
    Array.from({ length: group.each }, (_, n) => {
      const node = places.topology.nodes[places.balancers[balancer] as number] as string;
      const periodMs = group.burst * meanPeriodMs * (1 + uniform(rng, -group.driftPpm, group.driftPpm) * 1e-6);
      return {
        id: `${node}/${g + 1}.${n + 1}`,
        balancer,
        pattern: group.pattern,
        thinkMs,
        groups: group.groups ?? null,
        workFactor: group.workFactor,
        periodMs,
        burst: group.burst,
        busyMs: group.busyMs,
        idleMs: group.idleMs,
        firstMs: group.fromMs + rng.next() * periodMs,
        untilMs: Math.min(group.untilMs, scenario.durationMs),
      };
    }),
  );
}

function chooseBalancers(
  on: 'all' | number | readonly string[],
  { topology, balancers }: Places,
  rng: ReturnType<typeof createStream>,
): number[] {
  const all = balancers.map((_, b) => b);
  if (on === 'all') return all;
  if (typeof on === 'number') return sample(rng, all, on).sort((a, b) => a - b);
  return on.map((name) => balancers.indexOf(topology.nodes.indexOf(name)));
}

function chooseInstances(chosen: number | readonly string[], instances: readonly WorldInstance[], rng: Rng): number[] {
  const all = instances.flatMap(({ fromStart }, i) => (fromStart ? [i] : []));
  if (typeof chosen === 'number') return sample(rng, all, chosen).sort((a, b) => a - b);
  return chosen.map((name) => instances.findIndex(({ id }) => id === name));
}

/** Happens to an instance, or to load balancers. */
type Targeted = Exclude<ScenarioEvent, Recurring | { kind: 'broker' }>;

interface Target {
  readonly instance: number;
  readonly balancers: readonly number[];
}

/** One event of a scenario is one change, or a change and its undoing, or a series of them. */
function expand(event: Targeted, { instance, balancers }: Target, endMs: number): TimedChange[] {
  const { atMs } = event;
  const spell = (begin: Change, end: Change, forMs: number): TimedChange[] => [
    { atMs, change: begin },
    ...(atMs + forMs < endMs ? [{ atMs: atMs + forMs, change: end }] : []),
  ];
  switch (event.kind) {
    case 'join':
      return [
        { atMs, change: { kind: 'up', instance } },
        { atMs, change: { kind: 'announce', instance } },
      ];
    case 'leave':
      return [
        { atMs, change: { kind: 'withdraw', instance } },
        { atMs: atMs + event.graceMs, change: { kind: 'down', instance } },
      ];
    case 'crash':
      return [
        ...spell({ kind: 'down', instance }, { kind: 'up', instance }, event.forMs),
        ...(event.detectedMs < event.forMs
          ? [
              { atMs: atMs + event.detectedMs, change: { kind: 'withdraw', instance } as const },
              { atMs: atMs + event.forMs, change: { kind: 'announce', instance } as const },
            ].filter((timed) => timed.atMs < endMs)
          : []),
      ];
    case 'hang':
      return spell({ kind: 'freeze', instance }, { kind: 'thaw', instance }, event.forMs);
    case 'slow': {
      const { factor, forMs } = event;
      return spell({ kind: 'slow', instance, factor }, { kind: 'slow', instance, factor: 1 / factor }, forMs);
    }
    case 'delay':
    case 'link': {
      const { kind, addMs, forMs } = event;
      return spell({ kind, instance, addMs }, { kind, instance, addMs: -addMs }, forMs);
    }
    case 'errors': {
      const { ratio, forMs } = event;
      const begin = { kind: 'errors', instance, addRatio: ratio } as const;
      return spell(begin, { kind: 'errors', instance, addRatio: -ratio }, forMs);
    }
    case 'flap':
      return flap(event, instance, endMs);
    case 'restart': {
      const { state, ageMs } = event;
      const restart = { atMs, change: { kind: 'restart', balancers, state, ageMs } } as const;
      return state === 'cold' ? [restart] : [{ atMs: atMs - ageMs, change: { kind: 'keep', balancers } }, restart];
    }
  }
}

function flap(event: ScenarioEvent & { kind: 'flap' }, instance: number, endMs: number): TimedChange[] {
  const changes: TimedChange[] = [];
  const untilMs = Math.min(endMs, event.atMs + event.forMs);
  for (let atMs = event.atMs; atMs < untilMs; atMs += event.downMs + event.upMs) {
    changes.push({ atMs, change: { kind: 'down', instance } });
    if (atMs + event.downMs < endMs) changes.push({ atMs: atMs + event.downMs, change: { kind: 'up', instance } });
  }
  return changes;
}
