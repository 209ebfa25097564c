// What the tables of keys say, for people and their editors: the commented reference file, the table of the documentation and
// the JSON Schema. `npm run config` writes all three; a test holds the files against them.

import * as z from 'zod';
import { type Key, type Keys, type Reload, section, type Written } from './key.ts';
import { type FileSection, fileSections } from './schema/file.ts';

/** Lines of prose are wrapped at this many columns. */
const WIDTH = 120;

/** What a reference shows where a default depends on the machine. */
const ANYWHERE = { directory: '', hostname: 'pi-7', stateDirectory: null };

const PREAMBLE = `#:schema ./qedge.schema.json
# qedge.toml: every key there is. This file is made from src/config/schema by \`npm run config\`.
#
# A line that begins with "#" and a key holds the default; "# " begins prose and examples. Unknown keys are errors.
# Durations: "80ms", "1.5s", "10s", "5m", "1h". Sizes: "512B", "64KiB", "2MiB". File names start at the directory of this file.
# Any string may hold \${env:NAME} or \${file:/run/credentials/qedge.service/token}; $\${ writes a plain \${.
#
#   qedge check -c qedge.toml      lists every mistake and its place
#   systemctl reload qedge         applies a changed file without touching a connection
`;

/** The reference file: every section, every key with its meaning, its default or an example. */
export function referenceToml(): string {
  return `${[PREAMBLE, ...fileSections(ANYWHERE).map(sectionText)].join('\n')}`;
}

function sectionText(one: FileSection): string {
  const active = one.kind === 'table' || one.active === true;
  const header = one.kind === 'list' ? `[[${one.word}]]` : `[${one.word}]`;
  return [...prose(one.doc), active ? header : `# ${header}`, ...keyLines(one.word, one.keys, active), ''].join('\n');
}

function keyLines(path: string, keys: Keys, active: boolean): string[] {
  const plain = Object.entries(keys).filter(([, { keys: inner }]) => inner === undefined);
  const tables = Object.entries(keys).filter(([, { keys: inner }]) => inner !== undefined);
  return [
    ...plain.flatMap(([word, key]) => [...prose(key.doc), keyLine(word, key, active)]),
    ...tables.flatMap(([word, key]) => {
      const inPlace = active && key.presence !== 'optional';
      const header = `[${path}.${word}]`;
      return [
        '',
        ...prose(key.doc),
        inPlace ? header : `# ${header}`,
        ...keyLines(`${path}.${word}`, key.keys ?? {}, inPlace),
      ];
    }),
  ];
}

function keyLine(word: string, { shown, presence }: Key, active: boolean): string {
  const value = tomlValue('default' in shown ? shown.default : shown.example);
  if (active && presence === 'required') return `${word} = ${value}`;
  return `${active && 'default' in shown ? '#' : '# '}${word} = ${value}`;
}

/** A value as TOML, tables in one line. */
function tomlValue(value: Written): string {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const pairs = Object.entries(value).map(([word, one]) => `${word} = ${tomlValue(one)}`);
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
}

function prose(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || `${last} ${word}`.length > WIDTH) lines.push(`# ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** JSON Schema of the file, for the completion and the checks of an editor (`#:schema ./qedge.schema.json`). */
export function jsonSchema(): JsonSchema {
  const properties = Object.fromEntries(
    fileSections(ANYWHERE).map(({ word, kind, doc, keys }) => {
      const { $schema: _, ...table } = z.toJSONSchema(section(keys), { io: 'input', unrepresentable: 'any' });
      return [
        word,
        kind === 'list' ? { description: doc, type: 'array', items: table } : { description: doc, ...table },
      ];
    }),
  );
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'qedge.toml',
    type: 'object',
    properties: properties as Record<string, JsonSchema>,
    additionalProperties: false,
  };
}

/** A table of the file, and what is to be known of each key in it. */
export interface ReferenceTable {
  /** `[proxy]`, `[[service]]`, `[service.qos]`. */
  readonly title: string;
  readonly doc: string;
  readonly rows: readonly ReferenceRow[];
}

export interface ReferenceRow {
  readonly word: string;
  /** What is to be written, in a word or two. */
  readonly kind: string;
  /** As TOML; null where there is none. */
  readonly default: string | null;
  readonly required: boolean;
  readonly reload: Reload;
  readonly doc: string;
}

/** Every table of the file in the order of the reference, those within after the one that they are in. */
export function referenceTables(): readonly ReferenceTable[] {
  return fileSections(ANYWHERE).flatMap(({ word, kind, doc, keys }) =>
    tablesOf({ title: kind === 'list' ? `[[${word}]]` : `[${word}]`, path: word, doc, keys }),
  );
}

interface DocumentedTable {
  readonly title: string;
  /** Words from the top of the file, joined by dots. */
  readonly path: string;
  readonly doc: string;
  readonly keys: Keys;
}

function tablesOf({ title, path, doc, keys }: DocumentedTable): readonly ReferenceTable[] {
  const plain = Object.entries(keys).filter(([, key]) => key.keys === undefined);
  const inner = Object.entries(keys).filter(([, key]) => key.keys !== undefined);
  return [
    { title, doc, rows: plain.map(([word, key]) => rowOf(word, key)) },
    ...inner.flatMap(([word, key]) => tablesOf(innerTable(`${path}.${word}`, key))),
  ];
}

function innerTable(path: string, { doc, keys = {} }: Key): DocumentedTable {
  return { title: `[${path}]`, path, doc, keys };
}

function rowOf(word: string, key: Key): ReferenceRow {
  const { shown, presence, reload, doc } = key;
  const known = presence === 'default' && 'default' in shown ? tomlValue(shown.default) : null;
  return { word, kind: kindOf(key), default: known, required: presence === 'required', reload, doc };
}

/** The reference as Markdown: a table a section, with type, default and what a reload does. */
export function referenceMarkdown(): string {
  return referenceTables().map(markdownTable).join('\n');
}

function markdownTable({ title, doc, rows }: ReferenceTable): string {
  return [
    `### \`${title}\`\n\n${doc}\n`,
    '| key | value | default | reload | meaning |\n|---|---|---|---|---|',
    ...rows.map(
      (row) => `| \`${row.word}\` | ${cell(row.kind)} | ${defaultCell(row)} | ${row.reload} | ${cell(row.doc)} |`,
    ),
    '',
  ].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

function defaultCell(row: ReferenceRow): string {
  if (row.required) return 'required';
  return row.default === null ? '–' : `\`${cell(row.default)}\``;
}

/** What is to be written, in a word or two, from the JSON Schema of the value. */
function kindOf({ schema }: Key): string {
  return wordOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
}

function wordOf(node: JsonSchema | boolean): string {
  if (typeof node === 'boolean') return 'anything';
  if (node.title !== undefined) return node.title;
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum !== undefined) return node.enum.map((one) => JSON.stringify(one)).join(', ');
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(wordOf))].join(' or ');
  if (node.type === 'array') return `list: ${wordOf((node.items ?? true) as JsonSchema)}`;
  if (node.type === 'object') return 'table';
  return TYPE_WORDS[String(node.type)] ?? 'anything';
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
};
