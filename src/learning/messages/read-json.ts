// A payload of the broker held against a schema: a value, or in a few words what is wrong with it.

import type * as z from 'zod';
import { safeParse } from '../../config/validate.ts';

/** What a payload holds. */
export type Read<T> = { readonly value: T } | { readonly wrong: string };

const SHOWN_CHARS_MAX = 60;

/** @param bytesMax longer payloads are not looked at */
export function readJson<T>(payload: Uint8Array, schema: z.ZodType<T>, bytesMax: number): Read<T> {
  if (payload.length > bytesMax) return { wrong: `${payload.length} bytes, more than ${bytesMax}` };
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch {
    return { wrong: 'not JSON' };
  }
  const { data, error } = safeParse(schema, parsed);
  if (error === undefined) return { value: data as T };
  const [issue] = error.issues;
  const path = issue?.path.join('.') ?? '';
  return {
    wrong: `${path === '' ? '' : `${bounded(path)}: `}${lowered(expected(issue?.message ?? ''))}${shown(parsed, issue?.path ?? [])}`,
  };
}

function shown(root: unknown, path: readonly PropertyKey[]): string {
  let value = root;
  for (const part of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined;
  // Written out it could be as large as the message, and so deep that the stack does not hold it.
  if (typeof value === 'object' && value !== null) return `, got ${Array.isArray(value) ? 'an array' : 'an object'}`;
  return `, got ${bounded(JSON.stringify(value) ?? 'nothing')}`;
}

/** A few characters, none of them a control: reasons are logged, published and shown on terminals. */
function bounded(text: string): string {
  const plain = text.slice(0, SHOWN_CHARS_MAX + 1).replace(/[^\x20-\x7e]/g, '?');
  return plain.length > SHOWN_CHARS_MAX ? `${plain.slice(0, SHOWN_CHARS_MAX)}…` : plain;
}

/** What was found is said after it, as it was written. */
const expected = (message: string): string =>
  message
    .replace(/^Invalid input: (expected .*), received .*$/, '$1')
    .replace(/^(?:Invalid|Too)[a-z ]*: (expected )/, '$1');

const lowered = (text: string): string => `${text.slice(0, 1).toLowerCase()}${text.slice(1)}`;
