// What only shows between the sections of a scenario: nodes and instances that are not there, a matrix of the wrong size, a node that
// nothing can reach, clients and events that would never come.

import type { TomlPath } from '../config/toml.ts';
import type { QosTarget } from '../core/domain.ts';
import type { ClientGroup, ScenarioEvent, StageSpec, TopologySpec } from '../sim/scenario.ts';

export type Report = (path: TomlPath, message: string) => void;

/** A table of a list, with its place in the file: those that are wrong by themselves are left out. */
export interface Indexed<T> {
  readonly index: number;
  readonly value: T;
}

/** What was found good by itself; undefined where it was not. */
export interface ScenarioParts {
  readonly topology: TopologySpec | undefined;
  readonly qos: QosTarget | undefined;
  readonly durationMs: number | undefined;
  readonly overrides: readonly Indexed<{ readonly instances: readonly string[] }>[];
  readonly clients: readonly Indexed<ClientGroup>[];
  readonly events: readonly Indexed<ScenarioEvent>[];
  readonly stages: readonly Indexed<StageSpec>[];
}

/** Reports everything that is wrong between the parts. */
export function crossCheck(parts: ScenarioParts, report: Report): void {
  const { topology, qos, durationMs, overrides, clients, events, stages } = parts;
  if (topology?.kind === 'matrix') checkMatrix(topology, report);
  if (topology?.kind === 'europe') checkPlacement(topology, report);
  if (topology !== undefined && qos !== undefined) checkReach(topology, qos.latencyMs, report);
  if (topology !== undefined) {
    const instances = checkJoins(topology, events, report);
    checkOverrides(overrides, instances, report);
    checkTargets(events, instances, report);
    checkStages(stages, instances, report);
    checkBalancers(topology, { clients, events }, report);
  }
  checkClientTimes(clients, durationMs, report);
  checkSilence(clients, report);
  checkEventTimes(events, durationMs, report);
}

// ---- topology ----

type Matrix = TopologySpec & { readonly kind: 'matrix' };
type Europe = TopologySpec & { readonly kind: 'europe' };

function checkPlacement({ nodes, instances }: Europe, report: Report): void {
  if (instances <= nodes) return;
  report(['topology', 'instances'], `expected at most one instance a node (${nodes}), got ${instances}`);
}

function checkMatrix(topology: Matrix, report: Report): void {
  const { nodes, rttMs } = topology;
  const path = ['topology', 'rtt'];
  if (rttMs.length !== nodes.length) report(path, `expected ${nodes.length} rows, one a node, got ${rttMs.length}`);
  for (const [r, row] of rttMs.entries()) {
    if (row.length === nodes.length) continue;
    report([...path, r], `expected ${nodes.length} round trips, one a node, got ${row.length}`);
  }
  const seen = new Set<string>();
  for (const [n, node] of nodes.entries()) {
    if (seen.has(node)) report(['topology', 'nodes', n], `node "${node}" is there already`);
    seen.add(node);
  }
  for (const key of ['instances', 'balancers'] as const) {
    for (const [i, node] of topology[key].entries()) {
      if (!seen.has(node)) report(['topology', key, i], `no such node: "${node}"`);
    }
  }
}

/** A load balancer that no instance can answer in time has clients that nothing could satisfy. */
function checkReach(topology: TopologySpec, latencyMs: number, report: Report): void {
  if (topology.kind === 'europe') {
    if (topology.idleProcessingMs < latencyMs) return;
    report(['topology', 'idle'], `expected less than the limit, ${latencyMs} ms, got ${topology.idleProcessingMs} ms`);
    return;
  }
  const { nodes, rttMs, instances, balancers } = topology;
  for (const balancer of balancers) {
    const row = rttMs[nodes.indexOf(balancer)];
    if (row === undefined) continue;
    const nearest = Math.min(...instances.map((node) => row[nodes.indexOf(node)] ?? Number.POSITIVE_INFINITY));
    if (nearest <= latencyMs) continue;
    const distance =
      nearest === Number.POSITIVE_INFINITY ? 'there is no way to any' : `the nearest is ${nearest} ms away`;
    report(
      ['topology', 'rtt', nodes.indexOf(balancer)],
      `node "${balancer}" is out of reach of every instance: ${distance}`,
    );
  }
}

// ---- names ----

/** Every instance there is or will be. */
function checkJoins(topology: TopologySpec, events: ScenarioParts['events'], report: Report): ReadonlySet<string> {
  const count = topology.kind === 'europe' ? topology.instances : topology.instances.length;
  const instances = new Set(Array.from({ length: count }, (_, i) => `i${i + 1}`));
  for (const { index, value } of events) {
    if (value.kind !== 'join') continue;
    const path = ['event', index];
    if (instances.has(value.instance)) report([...path, 'instance'], `instance "${value.instance}" is there already`);
    instances.add(value.instance);
    if (topology.kind === 'europe') report([...path, 'node'], 'the nodes of a generated topology depend on the seed');
    else if (!topology.nodes.includes(value.node)) report([...path, 'node'], `no such node: "${value.node}"`);
  }
  return instances;
}

function checkOverrides(overrides: ScenarioParts['overrides'], instances: ReadonlySet<string>, report: Report): void {
  const overridden = new Set<string>();
  for (const { index, value } of overrides) {
    for (const [i, instance] of value.instances.entries()) {
      const path = ['override', index, 'instances', i];
      if (!instances.has(instance)) report(path, `no such instance: "${instance}"`);
      if (overridden.has(instance)) report(path, `instance "${instance}" has a model of its own already`);
      overridden.add(instance);
    }
  }
}

function checkTargets(events: ScenarioParts['events'], instances: ReadonlySet<string>, report: Report): void {
  for (const { index, value } of events) {
    const path = ['event', index];
    if (value.kind === 'bursts') checkSeveral([...path, 'instances'], value.instances, { instances, report });
    if (!('instance' in value) || value.instance === 'random' || instances.has(value.instance)) continue;
    report([...path, 'instance'], `no such instance: "${value.instance}"`);
  }
}

/** Each instance runs one stage. */
function checkStages(stages: ScenarioParts['stages'], instances: ReadonlySet<string>, report: Report): void {
  if (stages.length === 0) return;
  const placed = new Set<string>();
  const names = new Set<string>();
  for (const { index, value } of stages) {
    if (names.has(value.name)) report(['stage', index, 'name'], `stage "${value.name}" is there already`);
    names.add(value.name);
    for (const [i, instance] of value.instances.entries()) {
      const path = ['stage', index, 'instances', i];
      if (!instances.has(instance)) report(path, `no such instance: "${instance}"`);
      if (placed.has(instance)) report(path, `instance "${instance}" runs another stage already`);
      placed.add(instance);
    }
  }
  const missing = [...instances].filter((instance) => !placed.has(instance));
  if (missing.length > 0) report(['stage'], `no stage runs on ${missing.join(', ')}`);
}

function checkSeveral(
  path: TomlPath,
  chosen: number | readonly string[],
  { instances, report }: { instances: ReadonlySet<string>; report: Report },
): void {
  if (typeof chosen === 'number') {
    if (chosen > instances.size) report(path, `expected at most ${instances.size}, all instances, got ${chosen}`);
    return;
  }
  for (const [i, instance] of chosen.entries()) {
    if (!instances.has(instance)) report([...path, i], `no such instance: "${instance}"`);
  }
}

/** `on` of clients, restarts and uplinks. */
function checkBalancers(
  topology: TopologySpec,
  { clients, events }: Pick<ScenarioParts, 'clients' | 'events'>,
  report: Report,
): void {
  const count = topology.kind === 'europe' ? topology.nodes : topology.balancers.length;
  const check = (path: TomlPath, on: ClientGroup['on']): void => {
    if (typeof on === 'number' && on > count) report(path, `expected at most ${count}, all load balancers, got ${on}`);
    if (typeof on !== 'object') return;
    for (const [i, node] of on.entries()) {
      const message = balancerProblem(topology, node);
      if (message !== null) report([...path, i], message);
    }
  };
  for (const { index, value } of clients) check(['clients', index, 'on'], value.on);
  for (const { index, value } of events) if ('on' in value) check(['event', index, 'on'], value.on);
}

function balancerProblem(topology: TopologySpec, node: string): string | null {
  if (topology.kind === 'europe')
    return 'expected "all" or a number: the nodes of a generated topology depend on the seed';
  if (!topology.nodes.includes(node)) return `no such node: "${node}"`;
  return topology.balancers.includes(node) ? null : `node "${node}" carries no load balancer`;
}

// ---- times ----

function checkClientTimes(clients: ScenarioParts['clients'], durationMs: number | undefined, report: Report): void {
  for (const { index, value } of clients) {
    const { fromMs, untilMs } = value;
    if (durationMs !== undefined && fromMs >= durationMs) {
      report(['clients', index, 'at'], 'expected a time before the end of the run');
    } else if (untilMs <= fromMs) {
      report(['clients', index, 'until'], 'expected a time after at, when they arrive');
    }
  }
}

/** Clients that are silent in turns have both a time to send and a time of silence. */
function checkSilence(clients: ScenarioParts['clients'], report: Report): void {
  for (const { index, value } of clients) {
    if (value.busyMs > 0 === value.idleMs > 0) continue;
    report(['clients', index, value.busyMs > 0 ? 'busy' : 'idle'], 'expected busy and idle together, or neither');
  }
}

function checkEventTimes(events: ScenarioParts['events'], durationMs: number | undefined, report: Report): void {
  for (const { index, value } of events) {
    if (durationMs !== undefined && value.atMs >= durationMs) {
      report(['event', index, 'at'], 'expected a time before the end of the run');
    }
    if (value.kind === 'restart' && value.state === 'warm' && value.atMs < value.ageMs) {
      report(['event', index, 'age'], 'expected an age not beyond the start of the run');
    }
  }
}
