// scenario.toml → Scenario, or one ConfigError with everything that is wrong: each section for itself, then what only shows between
// them (nodes that are not there, a matrix of the wrong size, a node that nothing can reach).

import type * as z from 'zod';
import { openToml, sortByPlace } from '../config/read-toml.ts';
import { suggest } from '../config/suggest.ts';
import type { TomlDocument, TomlPath } from '../config/toml.ts';
import { problemAt, shown, validate } from '../config/validate.ts';
import { ConfigError, type Problem } from '../errors.ts';
import { policyProblems } from '../sim/policy-text.ts';
import type { ClientGroup, Scenario, ScenarioEvent, TopologySpec } from '../sim/scenario.ts';
import {
  clientsSchema,
  eventSchema,
  headSchema,
  modelSchema,
  networkSchema,
  overrideSchema,
  qosSchema,
  topologySchema,
} from './scenario-schema.ts';

type Report = (path: TomlPath, message: string) => void;

interface Indexed<T> {
  readonly index: number;
  readonly value: T;
}

/** @throws ConfigError with every problem and its place */
export function loadScenario(file: string): Scenario {
  const { document, problems } = openToml(file, {});
  const report: Report = (path, message) => problems.push(problemAt(document, path, message));
  checkTopLevel(document, report);
  const head = validate(document, headSchema, [], problems);
  const section = <T>(schema: z.ZodType<T>, key: string): T | undefined => validate(document, schema, [key], problems);
  const list = <T>(schema: z.ZodType<T>, key: string): Indexed<T>[] =>
    validateList({ document, schema, key }, problems);
  const topology = section(topologySchema, 'topology');
  const qos = section(qosSchema, 'qos');
  const overrides = list(overrideSchema, 'override');
  const clients = list(clientsSchema, 'clients');
  const events = list(eventSchema, 'event');
  const network = section(networkSchema.prefault({}), 'network');
  const model = section(modelSchema.prefault({}), 'model');
  if (document.root.clients === undefined) report([], 'nothing to simulate: expected at least one [[clients]]');
  for (const [i, policy] of (head?.policies ?? []).entries()) {
    for (const message of policyProblems(policy)) report(['policies', i], message);
  }
  if (topology !== undefined) {
    checkMatrix(topology, report);
    checkReach(topology, qos?.latencyMs, report);
    checkNames({ topology, overrides, clients, events }, report);
  }
  checkTimes(events, head?.duration, report);
  if (problems.length > 0) throw new ConfigError(sortByPlace(problems));
  const { duration, steady, ...rest } = head as z.output<typeof headSchema>;
  // No problem means that no part is missing.
  return {
    ...rest,
    durationMs: duration,
    steadyFromMs: Math.min(steady, duration),
    qos,
    topology,
    network,
    model,
    overrides: overrides.flatMap(({ value }) => value.instances.map((instance) => ({ instance, model: value.model }))),
    clients: clients.map(({ value }) => value),
    events: events.map(({ value }) => value),
  } as Scenario;
}

const SECTIONS = ['qos', 'topology', 'network', 'model', 'override', 'clients', 'event'];

function checkTopLevel({ root }: TomlDocument, report: Report): void {
  const known = [...Object.keys(headSchema.shape), ...SECTIONS];
  for (const key of Object.keys(root)) {
    if (known.includes(key)) continue;
    const near = suggest(key, known);
    report([key], `unknown key "${key}"${near === null ? '' : `, did you mean "${near}"?`}`);
  }
}

function validateList<T>(
  { document, schema, key }: { document: TomlDocument; schema: z.ZodType<T>; key: string },
  problems: Problem[],
): Indexed<T>[] {
  const items = document.root[key] ?? [];
  if (!Array.isArray(items)) {
    const message = `expected [[${key}]] with double brackets, got ${shown(document, [key])}`;
    problems.push(problemAt(document, [key], message));
    return [];
  }
  return items.flatMap((_, index) => {
    const value = validate(document, schema, [key, index], problems);
    return value === undefined ? [] : [{ index, value }];
  });
}

function checkMatrix(topology: TopologySpec, report: Report): void {
  if (topology.kind === 'europe') {
    if (topology.instances > topology.nodes) {
      report(
        ['topology', 'instances'],
        `expected at most one instance a node (${topology.nodes}), got ${topology.instances}`,
      );
    }
    return;
  }
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
function checkReach(topology: TopologySpec, latencyMs: number | undefined, report: Report): void {
  if (topology.kind === 'europe' || latencyMs === undefined) return;
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

function checkNames(
  parts: {
    topology: TopologySpec;
    overrides: readonly Indexed<{ instances: string[] }>[];
    clients: readonly Indexed<ClientGroup>[];
    events: readonly Indexed<ScenarioEvent>[];
  },
  report: Report,
): void {
  const { topology, overrides, clients, events } = parts;
  const count = topology.kind === 'europe' ? topology.instances : topology.instances.length;
  const instances = new Set(Array.from({ length: count }, (_, i) => `i${i + 1}`));
  const checkInstance = (path: TomlPath, instance: string): void => {
    if (instance !== 'random' && !instances.has(instance)) report(path, `no such instance: "${instance}"`);
  };
  const checkNode = (path: TomlPath, node: string): void => {
    // Which cities a generated topology has depends on the seed.
    if (topology.kind === 'europe')
      report(path, 'expected "all" or a number: the nodes of a generated topology depend on the seed');
    else if (!topology.nodes.includes(node)) report(path, `no such node: "${node}"`);
  };
  const checkBalancers = (path: TomlPath, on: ClientGroup['on']): void => {
    if (typeof on === 'object') for (const [i, node] of on.entries()) checkNode([...path, i], node);
  };
  for (const { index, value } of events) {
    if (value.kind !== 'join') continue;
    const path = ['event', index];
    if (instances.has(value.instance)) report([...path, 'instance'], `instance "${value.instance}" is there already`);
    instances.add(value.instance);
    checkNode([...path, 'node'], value.node);
  }
  for (const { index, value } of overrides) {
    for (const [i, instance] of value.instances.entries()) checkInstance(['override', index, 'instances', i], instance);
  }
  for (const { index, value } of clients) checkBalancers(['clients', index, 'on'], value.on);
  for (const { index, value } of events) {
    if (value.kind === 'restart') checkBalancers(['event', index, 'on'], value.on);
    else if (value.kind !== 'hiccups') checkInstance(['event', index, 'instance'], value.instance);
  }
}

function checkTimes(events: readonly Indexed<ScenarioEvent>[], durationMs: number | undefined, report: Report): void {
  for (const { index, value } of events) {
    if (durationMs !== undefined && value.atMs >= durationMs) {
      report(['event', index, 'at'], 'expected a time before the end of the run');
    }
    if (value.kind === 'restart' && value.state === 'warm' && value.atMs < value.ageMs) {
      report(['event', index, 'age'], 'expected an age not beyond the start of the run');
    }
  }
}
