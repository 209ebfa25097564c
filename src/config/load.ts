// qedge.toml → Config, or one ConfigError with everything that is wrong: read, validate each section, then check what
// only shows between sections. Nothing is opened before this has passed.

import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { ConfigError, type Problem } from '../errors.ts';
import type { Config } from './config.ts';
import { crossCheck, type PartialConfig } from './cross-check.ts';
import { openToml, type ReadOptions, sortByPlace } from './read-toml.ts';
import { mqttSchema, sectionSchemas, tracesSchema } from './schema.ts';
import type { SchemaContext } from './schema-context.ts';
import { announceSchema, serviceSchema } from './schema-service.ts';
import { suggest } from './suggest.ts';
import type { TomlDocument } from './toml.ts';
import { problemAt, shown, validate } from './validate.ts';

/**
 * Loads and checks a whole configuration.
 *
 * @throws ConfigError with every problem and its place
 */
export function loadConfig(file: string, options: ReadOptions = {}): Config {
  const { document, problems } = openToml(file, options);
  const parts = validateSections(document, schemaContext(file, options), problems);
  crossCheck(document, parts, problems);
  if (problems.length > 0) throw new ConfigError(sortByPlace(problems));
  // No problem means that no part is missing.
  return {
    ...parts,
    services: parts.services.map(({ value }) => value),
    announce: parts.announce.map(({ value }) => value),
  } as Config;
}

function schemaContext(file: string, options: ReadOptions): SchemaContext {
  const env = options.env ?? process.env;
  // systemd passes a list when several directories are asked for; the first is ours.
  const stateDirectory = env.STATE_DIRECTORY?.split(':')[0] ?? null;
  return { directory: dirname(resolve(file)), hostname: hostname().split('.')[0] ?? '', stateDirectory };
}

/** Each section on its own, so that a mistake in one hides none in another. What did not pass is undefined or left out. */
function validateSections(document: TomlDocument, context: SchemaContext, problems: Problem[]): PartialConfig {
  const schemas = sectionSchemas(context);
  checkTopLevel(document, [...Object.keys(schemas), 'mqtt', 'traces', 'service', 'announce'], problems);
  const node = validate(document, schemas.node, ['node'], problems);
  const mqtt = mqttSchema(context, node?.id ?? context.hostname);
  return {
    node,
    proxy: validate(document, schemas.proxy, ['proxy'], problems),
    admin: validate(document, schemas.admin, ['admin'], problems),
    mqtt: document.root.mqtt === undefined ? null : validate(document, mqtt, ['mqtt'], problems),
    placement: validate(document, schemas.placement, ['placement'], problems),
    probe: validate(document, schemas.probe, ['probe'], problems),
    store: validate(document, schemas.store, ['store'], problems),
    log: validate(document, schemas.log, ['log'], problems),
    traces: document.root.traces === undefined ? null : validate(document, tracesSchema(context), ['traces'], problems),
    update: validate(document, schemas.update, ['update'], problems),
    services: validateList(document, serviceSchema(context), 'service', problems),
    announce: validateList(document, announceSchema(context), 'announce', problems),
  };
}

function checkTopLevel(document: TomlDocument, known: readonly string[], problems: Problem[]): void {
  for (const key of Object.keys(document.root)) {
    if (known.includes(key)) continue;
    const near = suggest(key, known);
    const hint = near === null ? '' : `, did you mean "${near}"?`;
    problems.push(problemAt(document, [key], `unknown key "${key}"${hint}`));
  }
}

function validateList<T>(
  document: TomlDocument,
  schema: Parameters<typeof validate<T>>[1],
  key: string,
  problems: Problem[],
): { readonly index: number; readonly value: T }[] {
  const list = document.root[key] ?? [];
  if (!Array.isArray(list)) {
    problems.push(
      problemAt(document, [key], `expected [[${key}]] with double brackets, got ${shown(document, [key])}`),
    );
    return [];
  }
  return list.flatMap((_, index) => {
    const value = validate(document, schema, [key, index], problems);
    return value === undefined ? [] : [{ index, value }];
  });
}
