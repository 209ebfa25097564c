// Field blocks (RFC 7541 section 6). Names and values that the static table has are said by their index, all else as it is: fields
// are short, and a table that changes would have to be kept for each peer. So every block is text that
// depends on nothing that was said before.

import { STATIC_NAMES, STATIC_TABLE } from './static-table.ts';

/** Turns the dynamic table off (RFC 7541 section 4.2); sent once, at the begin of the first block. */
export const NO_DYNAMIC_TABLE = '\x20';

/** Names in use are few; past this they are written again each time. */
const NAMES_MAX = 1024;
/** How a field begins, keyed by its name as it came; empty for a field that HTTP/2 does not have. */
const begins = new Map<string, string>();

const STATUSES: ReadonlyMap<string, number> = new Map(
  STATIC_TABLE.flatMap(({ name, value }, i) => (name === ':status' ? [[value, i + 1] as const] : [])),
);

/** RFC 9113 section 8.3.2. */
export function encodeStatus(status: number): string {
  const index = STATUSES.get(String(status));
  return index === undefined ? encodeField(':status', String(status)) : String.fromCharCode(0x80 | index);
}

/**
 * Fields about a connection, which HTTP/2 does not have (RFC 9113 section 8.2.2), and Host, for which it has a field of its own; in
 * lower case.
 */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Secrets, which must not stand in a table behind us either (RFC 7541 section 7.1.3). */
const SECRET: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization', 'set-cookie']);
const NEVER_INDEXED = 0x10;

/** Nothing for a field that is about a connection. `name` in any spelling. */
export function encodeField(name: string, value: string): string {
  let begin = begins.get(name);
  if (begin === undefined) {
    begin = beginOf(name.toLowerCase());
    if (begins.size < NAMES_MAX) begins.set(name, begin);
  }
  return begin === '' ? '' : begin + encodeLength(value.length) + value;
}

/** Raw fields: name, value, name, value, … */
export function encodeFields(raw: readonly string[]): string {
  let block = '';
  for (let i = 0; i + 1 < raw.length; i += 2) block += encodeField(raw[i] ?? '', raw[i + 1] ?? '');
  return block;
}

/** Literal, not indexed or never (RFC 7541 sections 6.2.2 and 6.2.3), as far as its name. */
function beginOf(name: string): string {
  if (CONNECTION_SPECIFIC.has(name)) return '';
  const index = STATIC_NAMES.get(name);
  if (index === undefined) return `\0${encodeLength(name.length)}${name}`;
  const begin = encodeInteger(index, 4);
  if (!SECRET.has(name)) return begin;
  return String.fromCharCode(NEVER_INDEXED | begin.charCodeAt(0)) + begin.slice(1);
}

/** Encodes the length of a string without Huffman codes. */
function encodeLength(length: number): string {
  return length < 0x7f ? String.fromCharCode(length) : encodeInteger(length, 7);
}

/** RFC 7541 section 5.1. */
function encodeInteger(value: number, prefixBits: number): string {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) return String.fromCharCode(value);
  let text = String.fromCharCode(mask);
  let rest = value - mask;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) text += String.fromCharCode(0x80 | (rest & 0x7f));
  return text + String.fromCharCode(rest);
}
