// Why a message was refused, and the readers that say so. A reader takes a field of a parsed payload and either returns
// it well typed or throws BadMessage with the value in the text; parsing catches it at its edge.

import { decodeUtf8 } from '../../config/utf8.ts';
import { DepthError, parseBoundedJson } from '../../core/bounded-json.ts';
import type { Labels } from '../../core/domain.ts';

/** What kind of wrong it was: the label of the counter. */
export type RefusalCode =
  | 'topic'
  | 'size'
  | 'depth'
  | 'json'
  | 'type'
  | 'port'
  | 'address'
  | 'limit'
  | 'name'
  | 'duplicate'
  | 'version'
  | 'impossible'
  | 'internal';

/** A message that is refused: `code` is its kind, as it is counted. */
export class BadMessage extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, reason: string) {
    super(reason);
    this.name = 'BadMessage';
    this.code = code;
  }
}

/** Largest payload that is looked at. */
export const PAYLOAD_BYTES_MAX = 16_384;
/** Most labels that one announcement may carry. */
const LABELS_MAX = 64;
/** Longest text field, and the longest label. */
const TEXT_LENGTH_MAX = 256;

/** An object of a payload, its fields not checked yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** A payload as a JSON object. @throws BadMessage */
export function readPayload(payload: Uint8Array): Fields {
  if (payload.length > PAYLOAD_BYTES_MAX) {
    throw new BadMessage('size', `payload has ${payload.length} bytes, more than ${PAYLOAD_BYTES_MAX}`);
  }
  const value = parseJson(payload);
  if (!isFields(value)) throw new BadMessage('json', `payload is not a JSON object: ${show(value)}`);
  return value;
}

/** A text of 1 to TEXT_LENGTH_MAX characters. @throws BadMessage */
export function readText(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value === 'string' && value.length > 0 && value.length <= TEXT_LENGTH_MAX) return value;
  throw new BadMessage('type', `${name} is not a text of 1 to ${TEXT_LENGTH_MAX} characters: ${show(value)}`);
}

/** Null where the field is absent or null. @throws BadMessage */
export function readOptionalText(fields: Fields, name: string): string | null {
  return fields[name] === undefined || fields[name] === null ? null : readText(fields, name);
}

/** A TCP port, 1 to 65535. @throws BadMessage */
export function readPort(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number') throw new BadMessage('type', `${name} is not a number: ${show(value)}`);
  if (Number.isInteger(value) && value >= 1 && value <= 65_535) return value;
  throw new BadMessage('port', `${name} ${show(value)} is not a port (1 to 65535)`);
}

/** One of `choices`, or `fallback` where the field is absent. @throws BadMessage */
export function readChoice<const Choice extends string, Fallback extends Choice | null>(
  fields: Fields,
  name: string,
  { choices, fallback }: { readonly choices: readonly Choice[]; readonly fallback: Fallback },
): Choice | Fallback {
  const value = fields[name];
  if (value === undefined || value === null) return fallback;
  const choice = choices.find((known) => known === value);
  if (choice !== undefined) return choice;
  throw new BadMessage('type', `${name} is not one of ${choices.join(', ')}: ${show(value)}`);
}

/** Texts by name; none where the field is absent. @throws BadMessage */
export function readLabels(fields: Fields): Labels {
  const value = fields.labels;
  if (value === undefined || value === null) return NO_LABELS;
  if (!isFields(value)) throw new BadMessage('type', `labels is not an object: ${show(value)}`);
  const entries = Object.entries(value);
  if (entries.length > LABELS_MAX) throw new BadMessage('limit', `${entries.length} labels, more than ${LABELS_MAX}`);
  for (const [name, text] of entries) {
    if (typeof text === 'string' && text.length <= TEXT_LENGTH_MAX && name.length <= TEXT_LENGTH_MAX) continue;
    throw new BadMessage('type', `label ${show(name)} is not a text of at most ${TEXT_LENGTH_MAX}: ${show(text)}`);
  }
  // fromEntries defines each name as a property of its own, so that "__proto__" is a label like any other.
  return entries.length === 0 ? NO_LABELS : (Object.fromEntries(entries) as Labels);
}

/** A JSON object whose content is its reader's business; null where the field is absent. @throws BadMessage */
export function readOptionalObject(fields: Fields, name: string): Fields | null {
  const value = fields[name];
  if (value === undefined || value === null) return null;
  if (!isFields(value)) throw new BadMessage('type', `${name} is not an object: ${show(value)}`);
  return value;
}

/** A value as it is quoted in a reason: JSON, cut at 80 characters. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`;
}

const NO_LABELS: Labels = Object.freeze({});

function parseJson(payload: Uint8Array): unknown {
  try {
    return parseBoundedJson(decodeUtf8(payload));
  } catch (error) {
    if (error instanceof DepthError) throw new BadMessage('depth', `payload is ${error.message}`);
    const detail = error instanceof TypeError ? 'not UTF-8' : 'not JSON';
    throw new BadMessage('json', `payload is ${detail}: ${show(Buffer.from(payload.subarray(0, 80)).toString())}`);
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
