// One field as HPACK carries it, and what it is to a request or an answer (RFC 9113 sections 8.2 and 8.3): found out once, when it is
// read as a literal, and kept with it in the table that later blocks refer to.

import { TOKEN, VALUE } from '../../fields/field-lines.ts';

/** What a field is. */
export const FieldRole = {
  ordinary: 0,
  /** Nothing may have it, or it is not well-formed. */
  malformed: 1,
  method: 2,
  scheme: 3,
  authority: 4,
  path: 5,
  cookie: 6,
  contentLength: 7,
  host: 8,
  /** Only an answer has it. */
  status: 9,
  /** A name like any other, with a value that is none. */
  badValue: 10,
} as const;

/** Name and value with their roles; immutable. */
export interface HpackField {
  readonly name: string;
  readonly value: string;
  readonly role: number;
}

/** What an entry of a table counts beside its name and value (RFC 7541 section 4.1). */
const ENTRY_BYTES = 32;

export function sizeOf({ name, value }: HpackField): number {
  return name.length + value.length + ENTRY_BYTES;
}

const PSEUDO: ReadonlyMap<string, { readonly role: number; readonly pattern: RegExp }> = new Map([
  [':method', { role: FieldRole.method, pattern: new RegExp(`^${TOKEN}$`) }],
  [':scheme', { role: FieldRole.scheme, pattern: /^[A-Za-z][A-Za-z0-9+.-]*$/ }],
  [':authority', { role: FieldRole.authority, pattern: /^[\x21-\x7e\x80-\xff]*$/ }],
  [':status', { role: FieldRole.status, pattern: /^[1-9]\d\d$/ }],
  [':path', { role: FieldRole.path, pattern: /^(?:\/[\x21-\x7e\x80-\xff]*|\*)$/ }],
]);

const NAMED: ReadonlyMap<string, number> = new Map([
  ['cookie', FieldRole.cookie],
  ['content-length', FieldRole.contentLength],
  ['host', FieldRole.host],
  // RFC 9113 section 8.2.2.
  ['connection', FieldRole.malformed],
  ['keep-alive', FieldRole.malformed],
  ['proxy-connection', FieldRole.malformed],
  ['transfer-encoding', FieldRole.malformed],
  ['upgrade', FieldRole.malformed],
]);

/** RFC 9113 section 8.2.1: no upper case. */
const LOWER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** RFC 9113 section 8.2.1: no control characters, no space around it. */
const FIELD_VALUE = new RegExp(`^(?![\\t ])${VALUE}(?<![\\t ])$`);

export function hpackField(name: string, value: string): HpackField {
  return { name, value, role: roleOf(name, value) };
}

function roleOf(name: string, value: string): number {
  const pseudo = PSEUDO.get(name);
  if (pseudo !== undefined) return pseudo.pattern.test(value) ? pseudo.role : FieldRole.malformed;
  if (!LOWER_NAME.test(name)) return FieldRole.malformed;
  if (name === 'te' && value !== 'trailers') return FieldRole.malformed;
  if (name === 'content-length' && !/^\d{1,15}$/.test(value)) return FieldRole.malformed;
  const named = NAMED.get(name) ?? FieldRole.ordinary;
  return named === FieldRole.malformed || FIELD_VALUE.test(value) ? named : FieldRole.badValue;
}
