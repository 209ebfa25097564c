// A zod schema held against a TOML document: every complaint becomes a problem with its place, in words for the person who wrote the file.

import type { core } from 'zod';
import * as z from 'zod';
import type { Problem } from '../errors.ts';
import { unknownKey } from './suggest.ts';
import type { TomlDocument, TomlPath } from './toml.ts';
import { pathText } from './toml.ts';

const SOURCE_CHARS_MAX = 60;

/** Values under these keys are never repeated, however wrong they are. */
const SECRET_KEY = /password|token|secret|^headers$/;

/** A document that is read, and what is wrong with it so far. */
export interface Reading {
  readonly document: TomlDocument;
  readonly problems: Problem[];
}

/**
 * The value at `path` as the schema sees it, or undefined after adding every problem with it.
 * A message that begins with `expected` gets what was found instead appended.
 */
export function validate<T>({ document, problems }: Reading, schema: z.ZodType<T>, path: TomlPath): T | undefined {
  const result = safeParse(schema, valueAt(document.root, path));
  if (result.success) return result.data;
  const words = new Words(document, schema, path);
  for (const issue of result.error.issues) problems.push(...words.problems(issue));
  return undefined;
}

/**
 * Like `safeParse` of the schema, but never throws: zod looks at the length of what has one even where the type is wrong, and
 * throws where that cannot be compared (`{"length":{"valueOf":1,"toString":1}}` in place of a text).
 */
export function safeParse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.ZodSafeParseResult<z.output<Schema>> {
  try {
    return schema.safeParse(value);
  } catch {
    const issue = { code: 'custom' as const, path: [], message: 'expected another shape', input: value };
    return { success: false, error: new z.ZodError([issue]) as z.ZodError<z.output<Schema>> };
  }
}

/** A problem with the place of `path`, or of the nearest table around it. */
export function problemAt(document: TomlDocument, path: TomlPath, message: string): Problem {
  let place = null;
  for (let length = path.length; length > 0 && place === null; length--)
    place = document.placeOf(path.slice(0, length));
  const { line, column } = place ?? { line: 1, column: 1 };
  return { file: document.file, line, column, path: pathText(path), message };
}

/** What was written at `path`, fit to be shown: the text of the file, shortened, never a secret. */
export function shown(document: TomlDocument, path: TomlPath): string {
  const value = valueAt(document.root, path);
  if (path.some((part) => typeof part === 'string' && SECRET_KEY.test(part))) return 'something else';
  if (Array.isArray(value) && value.length === 0) return 'an empty list';
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date))
    return 'a table';
  const source = (document.placeOf(path)?.source ?? '').replace(/\/\/[^\s"']*@/g, '//…@');
  return source.length > SOURCE_CHARS_MAX ? `${source.slice(0, SOURCE_CHARS_MAX)}…` : source;
}

/** What stands at the path; undefined where nothing does. */
export function valueAt(root: unknown, path: TomlPath): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

class Words {
  readonly #document: TomlDocument;
  readonly #schema: z.ZodType;
  readonly #base: TomlPath;

  constructor(document: TomlDocument, schema: z.ZodType, base: TomlPath) {
    this.#document = document;
    this.#schema = schema;
    this.#base = base;
  }

  problems(issue: core.$ZodIssue, prefix: TomlPath = []): Problem[] {
    const inner = [...prefix, ...(issue.path as TomlPath)];
    const path = [...this.#base, ...inner];
    if (issue.code === 'unrecognized_keys') {
      const at = { base: this.#base, path: inner };
      return issue.keys.map((key) => problemAt(this.#document, [...path, key], unknownKey(key, this.#schema, at)));
    }
    if (issue.code === 'invalid_union') {
      const nearest = nearestBranch(issue);
      if (nearest !== null) return nearest.flatMap((deeper) => this.problems(deeper, inner));
    }
    return [problemAt(this.#document, path, this.#message(issue, path))];
  }

  #message(issue: core.$ZodIssue, path: TomlPath): string {
    const text = expectation(issue);
    if (!text.startsWith('expected')) return text;
    const missing = valueAt(this.#document.root, path) === undefined;
    return missing ? `missing, ${text}` : `${text}, got ${shown(this.#document, path)}`;
  }
}

/** The branch whose complaints lie deepest is the one that was meant; null when all fail at the top. */
function nearestBranch(issue: core.$ZodIssueInvalidUnion): readonly core.$ZodIssue[] | null {
  const deep = issue.errors.filter((branch) => branch.length > 0 && depthOf(branch) > 0);
  const sorted = deep.sort((a, b) => a.length - b.length);
  return alternatives(sorted) ?? sorted[0] ?? null;
}

/** How far into the value the complaint nearest to its top lies; of a union within, by its nearest branch. */
function depthOf(branch: readonly core.$ZodIssue[]): number {
  return Math.min(
    ...branch.map((one) => {
      if (one.code === 'unrecognized_keys') return one.path.length + 1;
      if (one.code !== 'invalid_union') return one.path.length;
      const branches = one.errors.filter((inner) => inner.length > 0);
      return one.path.length + Math.max(0, ...branches.map(depthOf));
    }),
  );
}

/** Tables that differ by one key, such as `kind`: where none has its value, all the values there are; null otherwise. */
function alternatives(branches: readonly (readonly core.$ZodIssue[])[]): readonly core.$ZodIssue[] | null {
  const mismatches = branches.flatMap((branch) => branch.filter((one) => one.code === 'invalid_value'));
  const [first] = mismatches;
  if (first === undefined || branches.length < 2 || mismatches.length !== branches.length) return null;
  const key = first.path.join('.');
  if (mismatches.some((one) => one.path.join('.') !== key)) return null;
  return [{ ...first, values: mismatches.flatMap(({ values }) => values) }];
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a table',
  record: 'a table',
};

/** What was expected where the issue is: `expected a string`. */
export function expectation(issue: core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.message.startsWith('expected')
        ? issue.message
        : `expected ${TYPE_WORDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return issue.message.startsWith('expected') ? issue.message : `expected ${oneOf(issue.values)}`;
    case 'invalid_union':
      if (issue.message.startsWith('expected')) return issue.message;
      return `expected ${oneOf('options' in issue && Array.isArray(issue.options) ? issue.options : [])}`;
    case 'too_small':
      if (issue.origin === 'string' && issue.minimum === 1) return 'must not be empty';
      return `expected ${sizeWords(issue.origin)}${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      return `expected ${sizeWords(issue.origin)}${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`;
    default:
      return issue.message;
  }
}

function sizeWords(origin: string): string {
  if (origin === 'string') return 'a length of ';
  return origin === 'array' ? 'a list with ' : '';
}

function oneOf(values: readonly unknown[]): string {
  if (values.length === 0) return 'another value';
  const words = values.map((value) => JSON.stringify(value));
  const last = words.pop() ?? '';
  return words.length === 0 ? last : `${words.join(', ')} or ${last}`;
}
