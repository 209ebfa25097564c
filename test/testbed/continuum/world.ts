// What is built: a scenario made as large and as long as asked, the world that its seed draws, and the phases that its faults make.

import { disturbancesOf } from '../../../src/sim/results/disturbances.ts';
import type { Span } from '../../../src/sim/results/totals.ts';
import type { ClientGroup, Scenario, ScenarioEvent, TopologySpec } from '../../../src/sim/scenario.ts';

export interface Size {
  /** Null: as the scenario says. */
  readonly nodes: number | null;
  readonly durationMs: number | null;
}

/** A stretch of the run between two changes; from the start on it is calm. */
export interface Phase extends Span {
  readonly label: string;
}

/** Instances for so many nodes: the paper has 10 for 30. */
const INSTANCES_RATIO = 1 / 3;
const INSTANCES_MIN = 4;

/** Nodes and instances, numbers of load balancers and all times in proportion, whole seconds. */
export function resized(scenario: Scenario, { nodes, durationMs }: Size): Scenario {
  const { topology, clients, events } = scenario;
  const share = nodes === null || topology.kind !== 'europe' ? 1 : nodes / topology.nodes;
  const stretch = (durationMs ?? scenario.durationMs) / scenario.durationMs;
  const time = (ms: number): number => (Number.isFinite(ms) ? Math.round((ms * stretch) / 1_000) * 1_000 : ms);
  const on = (chosen: ClientGroup['on']): ClientGroup['on'] =>
    typeof chosen === 'number' ? Math.max(1, Math.round(chosen * share)) : chosen;
  return {
    ...scenario,
    durationMs: time(scenario.durationMs),
    steadyFromMs: time(scenario.steadyFromMs),
    topology: resizedTopology(topology, nodes),
    clients: clients.map((group) => ({
      ...group,
      on: on(group.on),
      fromMs: time(group.fromMs),
      untilMs: time(group.untilMs),
    })),
    events: events.map((event) => resizedEvent(event, time, on)),
  };
}

function resizedTopology(topology: TopologySpec, nodes: number | null): TopologySpec {
  if (nodes === null || topology.kind !== 'europe' || nodes === topology.nodes) return topology;
  const instances = Math.min(nodes, Math.max(INSTANCES_MIN, Math.round(nodes * INSTANCES_RATIO)));
  return { ...topology, nodes, instances };
}

function resizedEvent(
  event: ScenarioEvent,
  time: (ms: number) => number,
  on: (chosen: ClientGroup['on']) => ClientGroup['on'],
): ScenarioEvent {
  return {
    ...event,
    atMs: time(event.atMs),
    ...('forMs' in event ? { forMs: time(event.forMs) } : {}),
    ...('on' in event ? { on: on(event.on) } : {}),
  } as ScenarioEvent;
}

/** What of a scenario the testbed cannot build, in words; null where there is nothing. */
export function unbuildable({ stages, clients, events, topology }: Scenario, nodesMax: number): string | null {
  if (stages !== undefined) return 'chains: a request is of one service here';
  if (clients.some(({ thinkMs }) => thinkMs !== undefined)) return 'clients that wait for their answers';
  if (clients.some(({ groups }) => groups !== undefined)) return 'groups of requests';
  if (events.some(({ kind }) => kind === 'uplink')) return 'uplinks that stall';
  const nodes = topology.kind === 'europe' ? topology.nodes : topology.nodes.length;
  return nodes > nodesMax ? `${nodes} nodes: at most ${nodesMax}` : null;
}

/** From each change to the next. */
export function phasesOf(scenario: Scenario): readonly Phase[] {
  const changes = [{ atS: 0, label: 'start' }, ...disturbancesOf(scenario)];
  const endS = Math.ceil(scenario.durationMs / 1_000);
  return changes.map(({ atS, label }, i) => ({ label, fromS: atS, toS: changes[i + 1]?.atS ?? endS }));
}
