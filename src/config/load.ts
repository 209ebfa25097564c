// qedge.toml → Config, or one ConfigError with everything that is wrong: read, validate each section, then check what
// only shows between sections. Nothing is opened before this has passed.

import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { ConfigError, type Problem } from '../errors.ts';
import type { Config } from './config.ts';
import { crossCheck, type PartialConfig } from './cross-check.ts';
import type { Keys, SectionOf } from './key.ts';
import { section, withDefaults } from './key.ts';
import { isOneMachine } from './loopback.ts';
import { openToml, type ReadOptions, sortByPlace } from './read-toml.ts';
import { adminKeys } from './schema/admin.ts';
import { announceSchema } from './schema/announce.ts';
import { chainKeys } from './schema/chain.ts';
import type { SchemaContext } from './schema/context.ts';
import { type FileSection, fileSections } from './schema/file.ts';
import { flKeys } from './schema/fl.ts';
import { logKeys } from './schema/log.ts';
import { mqttKeys } from './schema/mqtt.ts';
import { neighboursKeys } from './schema/neighbours.ts';
import { nodeKeys } from './schema/node.ts';
import { placementKeys } from './schema/placement/placement.ts';
import { probeKeys } from './schema/probe.ts';
import { proxyKeys } from './schema/proxy.ts';
import { serviceKeys } from './schema/service/service.ts';
import { storeKeys } from './schema/store.ts';
import { tracesKeys } from './schema/traces.ts';
import { updateKeys } from './schema/update.ts';
import { suggest, unknown } from './suggest.ts';
import type { TomlDocument } from './toml.ts';
import { problemAt, type Reading, shown, validate, valueAt } from './validate.ts';

/**
 * Loads and checks a whole configuration.
 *
 * @throws ConfigError with every problem and its place
 */
export function loadConfig(file: string, options: ReadOptions = {}): Config {
  const { document, problems } = openToml(file, options);
  assertNoScenario(document);
  const references = problems.length;
  const parts = validateSections({ document, problems }, schemaContext(file, options));
  crossCheck(document, parts, problems);
  if (problems.length > 0) throw new ConfigError(sortByPlace(withoutEchoes(problems, references)));
  // No problem means that no part is missing.
  return {
    ...parts,
    services: parts.services.map(({ value }) => value),
    chains: parts.chains.map(({ value }) => value),
    announce: parts.announce.map(({ value }) => value),
  } as Config;
}

/** A reference that leads nowhere is no value either: the first complaint is enough. `references`: how many come first. */
function withoutEchoes(problems: readonly Problem[], references: number): Problem[] {
  const placeOf = ({ line, column, path }: Problem): string => `${line}:${column}:${path}`;
  const unresolved = new Set(problems.slice(0, references).map(placeOf));
  return problems.filter((problem, i) => i < references || !unresolved.has(placeOf(problem)));
}

/** The other kind of file that qedge reads has mistakes in every line when it is taken for this one. */
function assertNoScenario(document: TomlDocument): void {
  if (document.root.topology === undefined && document.root.policies === undefined) return;
  throw new ConfigError([problemAt(document, [], 'this is a scenario: qedge simulate runs it')]);
}

function schemaContext(file: string, options: ReadOptions): SchemaContext {
  const env = options.env ?? process.env;
  // systemd passes a list when several directories are asked for; the first is ours.
  const stateDirectory = env.STATE_DIRECTORY?.split(':')[0] ?? null;
  return { directory: dirname(resolve(file)), hostname: hostname().split('.')[0] ?? '', stateDirectory };
}

/** Each section on its own, so that a mistake in one hides none in another. What did not pass is undefined or left out. */
function validateSections(reading: Reading, context: SchemaContext): PartialConfig {
  const { document, problems } = reading;
  const table = <Table extends Keys>(word: string, keys: Table): SectionOf<Table> | undefined =>
    validate(reading, withDefaults(section(keys)), [word]);
  const orNull = <Table extends Keys>(word: string, keys: Table): SectionOf<Table> | null | undefined =>
    document.root[word] === undefined ? null : validate(reading, section(keys), [word]);
  checkTopLevel(document, fileSections(context), problems);
  const node = table('node', nodeKeys(context));
  const mqtt = orNull('mqtt', mqttKeys(context, node?.id ?? context.hostname));
  return {
    node,
    proxy: table('proxy', proxyKeys(context)),
    admin: table('admin', adminKeys()),
    mqtt,
    placement: table(
      'placement',
      placementKeys(
        context,
        isOneMachine(node?.address ?? null, [...(mqtt?.urls ?? []), ...multicastPlaces(document)]),
      ),
    ),
    probe: table('probe', probeKeys()),
    neighbours: table('neighbours', neighboursKeys()),
    store: table('store', storeKeys(context)),
    log: table('log', logKeys()),
    traces: orNull('traces', tracesKeys(context)),
    update: table('update', updateKeys()),
    fl: orNull('fl', flKeys()),
    services: validateList(reading, section(serviceKeys(context)), 'service'),
    chains: validateList(reading, section(chainKeys()), 'chain'),
    announce: validateList(reading, announceSchema(context), 'announce'),
  };
}

/** Interfaces over which nodes meet, as they are written; none listed: any. */
function multicastPlaces({ root }: TomlDocument): readonly string[] {
  const mdns = valueAt(root, ['placement', 'mdns']);
  if (mdns === undefined) return [];
  const written = valueAt(mdns, ['interfaces']);
  return Array.isArray(written) && written.length > 0 ? written.map(String) : ['any'];
}

function checkTopLevel(document: TomlDocument, sections: readonly FileSection[], problems: Problem[]): void {
  const known = sections.map(({ word }) => word);
  for (const key of Object.keys(document.root)) {
    if (known.includes(key)) continue;
    const tables = sections.filter(({ keys }) => Object.hasOwn(keys, key)).map(({ word }) => word);
    problems.push(problemAt(document, [key], unknown(key, suggest(key, known), tables)));
  }
}

function validateList<T>(
  reading: Reading,
  schema: Parameters<typeof validate<T>>[1],
  key: string,
): { readonly index: number; readonly value: T }[] {
  const { document, problems } = reading;
  const list = document.root[key] ?? [];
  if (!Array.isArray(list)) {
    problems.push(
      problemAt(document, [key], `expected [[${key}]] with double brackets, got ${shown(document, [key])}`),
    );
    return [];
  }
  return list.flatMap((_, index) => {
    const value = validate(reading, schema, [key, index]);
    return value === undefined ? [] : [{ index, value }];
  });
}
