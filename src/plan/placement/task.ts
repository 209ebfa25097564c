// What a placement is planned for: nodes and the ways between them, what clients ask for on each, what an instance takes on each.

import type { TomlTable } from '../../config/toml.ts';
import type { QosTarget } from '../../core/domain.ts';
import { ConfigError } from '../../errors.ts';
import { scenarioOf, type WrittenScenario } from '../../scenario/scenario-file.ts';
import { modelSchema } from '../../scenario/scenario-schema.ts';
import { capacityOf, type InstanceModel, type Scenario } from '../../sim/scenario.ts';
import { createWorld } from '../../sim/world/world.ts';

/** Nodes by index throughout; times in ms, rates per second. */
export interface PlacementTask {
  readonly nodes: readonly string[];
  /** Nodes that have a load balancer. */
  readonly balancers: readonly string[];
  /** Round trips, node × node, row by row; +Infinity where there is no way. */
  readonly rttMs: Float64Array;
  /** Requests per second of the clients on each node. */
  readonly rates: Float64Array;
  /** Factor on the rates, for what is planned and simulated. */
  readonly load: number;
  readonly qos: QosTarget;
  /** How an instance would work on each node; null: it cannot carry one. */
  readonly models: readonly (InstanceModel | null)[];
  /** What the models differ by from the `[model]` of the scenario, as it is written. */
  readonly overrides: readonly TomlTable[];
  /** Goal, network and clients: what is simulated, but for the topology. */
  readonly scenario: Scenario;
  /** The same as it is written. */
  readonly written: Readonly<TomlTable>;
}

/** Instances by node, in the order in which they were chosen. */
export type Placement = readonly number[];

/**
 * The task of a scenario: its nodes, its clients, its model on every node.
 *
 * @param seed of the topology, where it is drawn; `load` is a factor on all rates
 * @throws ConfigError, NoTopologyError
 */
export function taskOf(
  source: WrittenScenario,
  { seed, load }: { readonly seed: number; readonly load: number },
): PlacementTask {
  const scenario = scenarioOf(source);
  const { document } = source;
  if (scenario.stages !== undefined) {
    const message = 'a chain has several services: expected a scenario without [[stage]]';
    throw new ConfigError([{ file: document.file, line: 0, column: 0, path: 'stage', message }]);
  }
  const { topology, balancers, clients } = createWorld(scenario, seed);
  const rates = new Float64Array(topology.nodes.length);
  for (const { balancer, periodMs, thinkMs, burst, busyMs, idleMs } of clients) {
    const node = balancers[balancer] as number;
    const sending = idleMs === 0 ? 1 : busyMs / (busyMs + idleMs);
    // A client that waits for its answers asks at the most once per time that it thinks.
    rates[node] = (rates[node] as number) + (sending * burst * 1_000) / (thinkMs ?? periodMs) / scenario.load;
  }
  return {
    nodes: topology.nodes,
    balancers: balancers.map((node) => topology.nodes[node] as string),
    rttMs: topology.rttMs,
    rates,
    load,
    qos: scenario.qos,
    models: topology.nodes.map(() => scenario.model),
    overrides: topology.nodes.map(() => ({})),
    scenario,
    written: document.root,
  };
}

/** The same task with other work on some nodes: ms of CPU time a request, null where there can be no instance. */
export function withWork(task: PlacementTask, workMs: readonly (number | null)[]): PlacementTask {
  const overrides = workMs.map((ms): TomlTable => (ms === null ? {} : { work: { mean: `${ms}ms`, cv: WORK_CV } }));
  const models = overrides.map((own, node) => (workMs[node] === null ? null : modelSchema.parse(own)));
  return { ...task, models, overrides };
}

/** Variation of the time that requests take, where only the mean is known: that of a scenario that says nothing else. */
export const WORK_CV = 0.5;

/** The scenario with this placement in place of its own; without events and overrides, which are about instances of its own. */
export function writtenWith(task: PlacementTask, placement: Placement, durationMs: number): TomlTable {
  const { nodes, balancers, overrides, load } = task;
  const { event: _events, override: _overrides, steady: _steady, ...rest } = task.written;
  const row = (node: number): (number | 'none')[] =>
    nodes.map((_, to) => (Number.isFinite(rttOf(task, node, to)) ? rttOf(task, node, to) : 'none'));
  const own = placement.flatMap((node, i): TomlTable[] => {
    const override = overrides[node] ?? {};
    return Object.keys(override).length === 0 ? [] : [{ instances: [`i${i + 1}`], ...override }];
  });
  return {
    ...rest,
    duration: `${durationMs}ms`,
    load,
    topology: {
      kind: 'matrix',
      nodes,
      rtt: nodes.map((_, node) => row(node)),
      instances: placement.map((node) => nodes[node]),
      balancers,
    },
    ...(own.length === 0 ? {} : { override: own }),
  };
}

/** The same to be simulated at once, also where it leaves a node out of reach, which a file may not. */
export function scenarioWith(task: PlacementTask, placement: Placement, durationMs: number): Scenario {
  const { nodes, balancers, models, load, scenario } = task;
  return {
    ...scenario,
    durationMs,
    load,
    steadyFromMs: durationMs / 2,
    topology: {
      kind: 'matrix',
      nodes,
      rttMs: nodes.map((_, node) => nodes.map((_, to) => rttOf(task, node, to))),
      instances: placement.map((node) => nodes[node] as string),
      balancers,
    },
    overrides: placement.map((node, i) => ({ instance: `i${i + 1}`, model: models[node] as InstanceModel })),
    events: [],
  };
}

/** Round trip between two nodes, ms. */
export function rttOf({ nodes, rttMs }: PlacementTask, from: number, to: number): number {
  return rttMs[from * nodes.length + to] as number;
}

/** The nodes that can carry an instance. */
export function carriersOf({ models }: PlacementTask): number[] {
  return models.flatMap((model, node) => (model === null ? [] : [node]));
}

/** The nodes that have clients. */
export function demandingOf({ rates }: PlacementTask): number[] {
  return [...rates.keys()].filter((node) => (rates[node] as number) > 0);
}

/** What a request takes on an idle instance of this node, ms; +Infinity where there can be none. */
export function idleMs({ models }: PlacementTask, node: number): number {
  const model = models[node] ?? null;
  return model === null ? Number.POSITIVE_INFINITY : model.overheadFixedMs + model.overheadMeanMs + model.workMeanMs;
}

/** Requests per second that an instance on this node carries at the most; 0 where there can be none. */
export function capacityAt({ models }: PlacementTask, node: number): number {
  const model = models[node] ?? null;
  return model === null ? 0 : capacityOf(model);
}

/**
 * What all but a share 1 − ρ of requests take at most on an idle instance of this node, ms: mean and standard deviations of work, overhead
 * and jitter, as if they were exponential together.
 */
export function idleQuantileMs(task: PlacementTask, node: number): number {
  const { models, qos, scenario } = task;
  const model = models[node] ?? null;
  if (model === null) return Number.POSITIVE_INFINITY;
  const deviation = Math.hypot(model.workMeanMs * model.workCv, model.overheadMeanMs, scenario.network.jitterMs);
  const deviations = Math.max(0, -Math.log(Math.max(1e-9, 1 - qos.successRatio)) - 1);
  return idleMs(task, node) + scenario.network.jitterMs + deviations * deviation;
}

/** Whether an idle instance on node `to` answers clients of node `from` in time. */
export function reaches(task: PlacementTask, from: number, to: number): boolean {
  return rttOf(task, from, to) + idleMs(task, to) <= task.qos.latencyMs;
}
