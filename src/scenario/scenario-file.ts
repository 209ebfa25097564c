// scenario.toml → Scenario, or one ConfigError with everything that is wrong: each section for itself, then what only shows between
// them (scenario-cross-check.ts).

import type * as z from 'zod';
import { checkRequirements } from '../config/check-requirements.ts';
import { openToml, sortByPlace } from '../config/read-toml.ts';
import { requirementsOf } from '../config/requirements.ts';
import { suggest } from '../config/suggest.ts';
import type { TomlDocument, TomlPath } from '../config/toml.ts';
import { problemAt, shown, validate } from '../config/validate.ts';
import { ConfigError, type Problem } from '../errors.ts';
import { chainProblem, policyProblems } from '../sim/policy-text.ts';
import type { Scenario } from '../sim/scenario.ts';
import { eventSchema } from './event-schema.ts';
import { crossCheck, type Indexed, type Report } from './scenario-cross-check.ts';
import {
  clientsSchema,
  headSchema,
  modelSchema,
  networkSchema,
  objectiveSchema,
  overrideSchema,
  qosSchema,
  stageSchema,
  topologySchema,
} from './scenario-schema.ts';

/** Where learning is taken to be over, unless the scenario says otherwise; half-way in a run too short for it. */
const STEADY_DEFAULT_MS = 60_000;

/** What a person wrote, and what is wrong with it so far. */
export interface WrittenScenario {
  readonly document: TomlDocument;
  readonly problems: readonly Problem[];
}

/** @throws ConfigError with every problem and its place */
export function loadScenario(file: string): Scenario {
  return scenarioOf(openScenario(file));
}

/** @throws ConfigError where there is no file, or no TOML in it */
export function openScenario(file: string): WrittenScenario {
  return openToml(file, {});
}

/** @throws ConfigError with every problem and its place */
export function scenarioOf({ document, problems: found }: WrittenScenario): Scenario {
  assertNoConfiguration(document);
  const problems = [...found];
  const report: Report = (path, message) => problems.push(problemAt(document, path, message));
  checkTopLevel(document, report);
  const head = validate({ document, problems }, headSchema, []);
  const section = <T>(schema: z.ZodType<T>, key: string): T | undefined =>
    validate({ document, problems }, schema, [key]);
  const list = <T>(schema: z.ZodType<T>, key: string): Indexed<T>[] =>
    validateList({ document, schema, key }, problems);
  const topology = section(topologySchema, 'topology');
  const qos = section(qosSchema, 'qos');
  const objective = section(objectiveSchema.prefault({}), 'objective');
  const overrides = list(overrideSchema, 'override');
  const clients = list(clientsSchema, 'clients');
  const events = list(eventSchema, 'event');
  const stages = list(stageSchema, 'stage');
  const network = section(networkSchema.prefault({}), 'network');
  const model = section(modelSchema.prefault({}), 'model');
  if (document.root.clients === undefined) report([], 'nothing to simulate: expected at least one [[clients]]');
  for (const [i, policy] of (head?.policies ?? []).entries()) {
    for (const message of policyProblems(policy)) report(['policies', i], message);
    const problem = chainProblem(policy, document.root.stage !== undefined);
    if (problem !== null) report(['policies', i], problem);
  }
  crossCheck({ topology, qos, durationMs: head?.duration, overrides, clients, events, stages }, report);
  if (qos !== undefined && objective !== undefined) checkRequirements({ qos, objective, constraints: {} }, [], report);
  if (head?.steady !== undefined && head.steady >= head.duration)
    report(['steady'], 'expected a time before the end of the run');
  if (problems.length > 0) throw new ConfigError(sortByPlace(problems));
  const { duration, steady, ...rest } = head as z.output<typeof headSchema>;
  // No problem means that no part is missing.
  return {
    ...rest,
    durationMs: duration,
    steadyFromMs: steady ?? Math.min(STEADY_DEFAULT_MS, duration / 2),
    ...(qos && objective && goalsOf(qos, objective)),
    topology,
    network,
    model,
    overrides: overrides.flatMap(({ value }) => value.instances.map((instance) => ({ instance, model: value.model }))),
    clients: clients.map(({ value }) => value),
    events: events.map(({ value }) => value),
    ...(stages.length === 0 ? {} : { stages: stages.map(({ value }) => value) }),
  } as Scenario;
}

/** The other kind of file that qedge reads has mistakes in every line when it is taken for this one. */
function assertNoConfiguration(document: TomlDocument): void {
  const { root } = document;
  if (root.topology !== undefined || root.clients !== undefined || root.policies !== undefined) return;
  if (!['service', 'announce', 'proxy', 'mqtt', 'fl'].some((word) => root[word] !== undefined)) return;
  throw new ConfigError([problemAt(document, [], 'this is a configuration: qedge run and qedge check read it')]);
}

function goalsOf(
  qos: z.output<typeof qosSchema>,
  objective: z.output<typeof objectiveSchema>,
): Pick<Scenario, 'qos' | 'requirements'> {
  const { latencyMs, successRatio, windowMs } = qos;
  return { qos: { latencyMs, successRatio, windowMs }, requirements: requirementsOf({ qos, objective }) };
}

/** A mistake that shows only when the scenario runs, with the place of the key that caused it. */
export function scenarioProblem(file: string, path: TomlPath, message: string): ConfigError {
  return new ConfigError([problemAt(openToml(file, {}).document, path, message)]);
}

const SECTIONS = ['qos', 'objective', 'topology', 'network', 'model', 'override', 'clients', 'event', 'stage'];

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
    const value = validate({ document, problems }, schema, [key, index]);
    return value === undefined ? [] : [{ index, value }];
  });
}
