// What is said of a word that is not known: the known word nearest to it, or the tables that know it.

import type * as z from 'zod';
import type { core } from 'zod';
import { pathText, type TomlPath } from './toml.ts';

/** Tables within tables that are looked through for a key. */
const DEPTH_MAX = 3;
/** A key that is known at more places than this says nothing of which was meant. */
const PLACES_MAX = 2;

/** The nearest of `known` by edit distance, or null when none is near (a third of the letters, at least one). */
export function suggest(word: string, known: Iterable<string>): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours count one each. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (beforePrevious[j - 2] ?? 0) + 1);
      }
      row.push(least);
    }
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/** What is said of a key that the table at `path` within `schema` does not know. `base`: path of the schema itself. */
export function unknownKey(key: string, schema: z.ZodType, { base, path }: { base: TomlPath; path: TomlPath }): string {
  const table = tableAt(schema, path);
  const other = table.find((one) => Object.hasOwn(shapeOf(one), key));
  if (other !== undefined) return `unknown key "${key}" here${mark(other)}`;
  const near = suggest(key, new Set(table.flatMap((one) => Object.keys(shapeOf(one)))));
  if (near !== null) return unknown(key, near, []);
  const root = base.slice(0, 1);
  const place = [...root, ...path.filter((part) => typeof part === 'string')];
  const within = tablesWith(
    key,
    table.map((one) => ({ path: place, schema: one })),
  );
  return unknown(key, null, within.length > 0 ? within : tablesWith(key, placesOf(schema, root)));
}

/** `near`: a known key that may be meant. `tables`: those that know the key. */
export function unknown(key: string, near: string | null, tables: readonly string[]): string {
  if (near !== null) return `unknown key "${key}", did you mean "${near}"?`;
  const isClear = tables.length > 0 && tables.length <= PLACES_MAX;
  return isClear ? `unknown key "${key}" here, expected in ${tables.join(' or ')}` : `unknown key "${key}"`;
}

/** The value that distinguishes a table from the others that may stand in its place. */
function mark(table: core.$ZodType): string {
  for (const [key, schema] of Object.entries(shapeOf(table))) {
    const [only] = unwrap(schema);
    if (only?._zod.def.type === 'literal') return `, expected with ${key} = "${(only as z.ZodLiteral).value}"`;
  }
  return '';
}

/** The schemas of what stands at `path`. */
function tableAt(schema: z.ZodType, path: TomlPath): readonly core.$ZodType[] {
  let level = unwrap(schema);
  for (const part of path) level = level.flatMap((one) => unwrap(childOf(one, part)));
  return level;
}

interface Place {
  readonly path: TomlPath;
  readonly schema: core.$ZodType;
}

/** The tables at these places or within them that know the key, none further within than another. */
function tablesWith(key: string, places: readonly Place[]): readonly string[] {
  let level = places;
  for (let depth = 0; depth <= DEPTH_MAX; depth++) {
    const found = level.filter((place) => Object.hasOwn(shapeOf(place.schema), key));
    if (found.length > 0) return [...new Set(found.map(({ path }) => pathText(path) || 'the top of the file'))];
    level = level.flatMap((place) =>
      Object.entries(shapeOf(place.schema)).flatMap(([word, child]) => placesOf(child, [...place.path, word])),
    );
  }
  return [];
}

/** The table that a schema stands for, or that each one of its list is. */
function placesOf(schema: core.$ZodType, path: TomlPath): readonly Place[] {
  return unwrap(schema).flatMap((one) =>
    one._zod.def.type === 'array' ? placesOf((one as z.ZodArray).element, path) : [{ path, schema: one }],
  );
}

const shapeOf = (schema: core.$ZodType): Readonly<Record<string, core.$ZodType>> =>
  schema._zod.def.type === 'object' ? (schema as z.ZodObject).shape : {};

function childOf(schema: core.$ZodType, part: string | number): core.$ZodType | undefined {
  if (schema._zod.def.type === 'object') return (schema as z.ZodObject).shape[part];
  if (schema._zod.def.type === 'array') return (schema as z.ZodArray).element;
  return undefined;
}

/** The schemas that optional, default, transform and union wrap. */
function unwrap(schema: core.$ZodType | undefined): core.$ZodType[] {
  if (schema === undefined) return [];
  const def = schema._zod.def as { innerType?: core.$ZodType; in?: core.$ZodType; options?: core.$ZodType[] };
  if (def.innerType !== undefined) return unwrap(def.innerType);
  if (def.in !== undefined) return unwrap(def.in);
  if (def.options !== undefined) return def.options.flatMap(unwrap);
  return [schema];
}
