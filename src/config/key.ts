// A configuration key stands in one place: how it is written, its name in the program, what it means, its default and what a
// reload does with it. From these tables come the types of `Config`, the checks, `config/qedge.toml`, the JSON Schema for
// editors, the reference and the reload diff.

import * as z from 'zod';

// A schema is asked once at a start and once a reload: compiling a function for each first would take longer than all asking.
z.config({ jitless: true });

/** `live`: a reload applies it. `restart`: it belongs to what is bound or opened once. */
export type Reload = 'live' | 'restart';

/** A value as TOML holds it. */
export type Written = string | number | boolean | readonly Written[] | { readonly [key: string]: Written };

/** How the reference shows a key: its default in a line to uncomment, or an example where it has none. */
export type Shown = { readonly default: Written } | { readonly example: Written };

export interface KeyText {
  /** What it means, in one or two sentences; where the type does not say it, with its unit and range. */
  readonly doc: string;
  readonly reload?: Reload;
}

export interface Key<Name extends string = string, Value = unknown> {
  /** Property of the section in `Config`, its unit last. */
  readonly name: Name;
  readonly schema: z.ZodType<Value>;
  readonly doc: string;
  readonly reload: Reload;
  /** What a reload does where a table comes or goes as a whole. */
  readonly toggle?: Reload;
  readonly shown: Shown;
  readonly presence: 'default' | 'optional' | 'required';
  /** Keys of a table within. */
  readonly keys?: Keys;
}

/** A table of keys, each by the word that a person writes. */
export type Keys = Readonly<Record<string, Key>>;

/** The section of `Config` that a table of keys makes. */
export type SectionOf<Table extends Keys> = {
  readonly [Word in keyof Table as Table[Word]['name']]: Table[Word] extends Key<string, infer Value> ? Value : never;
};

/** A key with a default, given as a person would write it. */
export function key<const Name extends string, Value>(
  name: Name,
  schema: z.ZodType<Value>,
  { doc, reload = 'live', ...shown }: KeyText & { readonly default: Written },
): Key<Name, Value> {
  const withDefault = (schema as z.ZodType<Value, Written>).prefault(shown.default);
  return { name, schema: withDefault, doc, reload, shown, presence: 'default' };
}

/** A key that may be absent: null in `Config`. */
export function optional<const Name extends string, Value>(
  name: Name,
  schema: z.ZodType<Value>,
  { doc, reload = 'live', ...shown }: KeyText & { readonly example: Written },
): Key<Name, Value | null> {
  const orNull = schema.optional() as unknown as z.ZodType<Value | null>;
  return { name, schema: orNull, doc, reload, shown, presence: 'optional' };
}

/** A key that must be written. */
export function required<const Name extends string, Value>(
  name: Name,
  schema: z.ZodType<Value>,
  { doc, reload = 'live', ...shown }: KeyText & { readonly example: Written },
): Key<Name, Value> {
  return { name, schema, doc, reload, shown, presence: 'required' };
}

/** A table within a section, with its own defaults throughout. */
export function subtable<const Name extends string, Table extends Keys>(
  name: Name,
  keys: Table,
  { doc, reload = 'live' }: KeyText,
): Key<Name, SectionOf<Table>> {
  const presence = isAllDefaults(keys) ? 'default' : 'required';
  const schema = presence === 'default' ? withDefaults(section(keys)) : section(keys);
  return { name, schema, doc, reload, shown: { default: {} }, presence, keys };
}

/** A table within a section that may be absent: null in `Config`. */
export function optionalSubtable<const Name extends string, Table extends Keys>(
  name: Name,
  keys: Table,
  { doc, reload = 'live', toggle }: KeyText & { readonly toggle: Reload },
): Key<Name, SectionOf<Table> | null> {
  const schema = section(keys).optional() as unknown as z.ZodType<SectionOf<Table> | null>;
  return { name, schema, doc, reload, toggle, shown: { example: {} }, presence: 'optional', keys };
}

/**
 * The schema of a table: an unknown key is an error, and what passes carries the names of the program. `example`: what is named where something
 * else than a table is written.
 */
export function section<Table extends Keys>(keys: Table, example?: string): z.ZodType<SectionOf<Table>> {
  const words = Object.keys(keys);
  const shape = Object.fromEntries(words.map((word) => [word, describedSchema(keys[word])]));
  const such = `expected a table such as ${example}`;
  const error = ({ code }: { readonly code: string }): string | undefined =>
    example !== undefined && code === 'invalid_type' ? such : undefined;
  return z.strictObject(shape, { error }).transform((written) => {
    const read = (word: string) => [keys[word]?.name, written[word] ?? null];
    return Object.fromEntries(words.map(read)) as SectionOf<Table>;
  });
}

/** A section that a file may leave out as a whole. */
export function withDefaults<Value>(schema: z.ZodType<Value>): z.ZodType<Value> {
  return (schema as z.ZodType<Value, object>).prefault({});
}

const isAllDefaults = (keys: Keys): boolean => Object.values(keys).every(({ presence }) => presence !== 'required');

/** With its documentation as the description that the JSON Schema carries. */
function describedSchema(one: Key | undefined): z.ZodType {
  if (one === undefined) throw new Error('a table of keys without a key');
  return one.schema.meta({ description: one.doc });
}
