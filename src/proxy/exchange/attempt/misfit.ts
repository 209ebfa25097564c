// Whether an answer that succeeds by its status is one to what was asked. Some servers do so for reasons of their own, so it is held against
// an instance beside the others alone: what all give alike counts against none.

import type { Misfit } from '../../../core/verdict/table.ts';
import { fieldValue, hasField, listValue, type RawFields } from '../../fields/fields.ts';
import { remembered } from '../../fields/remembered.ts';
import type { ResponseHead } from '../../fields/response-head.ts';
import type { ClientRequest } from '../client/message.ts';

/** Returns what in the head shows that it does not answer the request; null for nothing. */
export function misfitOf(status: number, head: ResponseHead, { rawHeaders }: ClientRequest): Misfit | null {
  if (status === 304) return isOtherVersion(head.fields, rawHeaders) ? 'mismatched' : null;
  if (status < 200 || status >= 300) return null;
  if (status === 202 || isUnknownSuccess(status)) return 'accepted';
  if (status === 206 && isOtherPart(head, rawHeaders)) return 'mismatched';
  // Changes since a version, to a client that did not ask for them (RFC 3229 section 10.4.1).
  if (status === 226 && !hasField(rawHeaders, 'a-im')) return 'mismatched';
  const { contentType, contentEncoding } = head;
  if (contentEncoding !== '' && isUnreadable(contentEncoding, listValue(rawHeaders, 'accept-encoding'))) {
    return 'unacceptable';
  }
  // Some servers name a type for what has no body as well.
  if (contentType === '' || status === 204) return null;
  if (isProblem(contentType)) return 'problem';
  return isUnacceptable(contentType, listValue(rawHeaders, 'accept')) ? 'unacceptable' : null;
}

/** A 2xx that is not registered: a client can only take it for a 200 (RFC 9110 section 15). Some servers hide failures behind one. */
const isUnknownSuccess = (status: number): boolean => status > 208 && status !== 226;

/** RFC 9457, and the type that was used for it before. */
const isProblem = remembered((contentType) => /^application\/(?:problem|vnd\.error)\+/i.test(contentType));
const isHtml = remembered((contentType) => /^(?:text\/html|application\/xhtml\+xml)\b/i.test(contentType));

/**
 * By the request's `Accept` (RFC 9110 section 12.5.1); null: it has none, and takes any. A page of HTML is what login pages and captive
 * portals answer; a client that can use one names it.
 */
function isUnacceptable(contentType: string, accept: string | null): boolean {
  if (accept === contentType) return false;
  if (accept === null || ANY.test(accept)) return isHtml(contentType) && !namesPages(accept);
  const [type = ''] = contentType.toLowerCase().split(';');
  const named = type.trim();
  const [main = ''] = named.split('/');
  const ranges = accept
    .toLowerCase()
    .split(',')
    .filter((range) => !REFUSED.test(range))
    .map((range) => range.split(';')[0]?.trim());
  // `a/b+c` is a form of `a/b`, as of gRPC-Web, written as `a/c` (RFC 6839).
  const [form = '', suffix] = named.split('+');
  const taken = suffix === undefined ? [named, `${main}/*`] : [named, form, `${main}/${suffix}`, `${main}/*`];
  return !taken.some((type) => ranges.includes(type));
}

/** Whether an `Accept` names pages of HTML. */
export const namesPages = (accept: string | null): boolean =>
  accept !== null && /text\/(?:html|\*)|application\/xhtml\+xml/i.test(accept);

/** A weight of zero. */
const REFUSED = /;[\t ]*q=0(?:\.0*)?[\t ]*$/;
/** Any type, with another weight. */
const ANY = /(?:^|[,\t ])\*\/\*(?![\t ]*;[\t ]*q=0(?:\.0*)?[\t ]*(?:,|$))/;

/** Whether the request's `Accept-Encoding` rules the coding out (RFC 9110 section 12.5.3); null takes any. */
function isUnreadable(contentEncoding: string, accept: string | null): boolean {
  if (accept === null) return false;
  const taken = new Map<string, boolean>();
  for (const range of namesOf(accept)) taken.set(plainCoding(range.split(';')[0] ?? ''), !REFUSED.test(range));
  return namesOf(contentEncoding)
    .map(plainCoding)
    .some((coding) => coding !== 'identity' && !(taken.get(coding) ?? taken.get('*') ?? false));
}

function namesOf(list: string): string[] {
  const names = list.toLowerCase().split(',');
  return names.map((name) => name.trim()).filter((name) => name !== '');
}

/** Returns the coding without the `x-` of older names (RFC 9110 section 8.4.1). */
const plainCoding = (coding: string): string => coding.trim().replace(/^x-/, '');

/** RFC 9110 section 15.3.7: a 206 answers a request for a range, and says which part it is. */
function isOtherPart({ contentType, fields }: ResponseHead, asked: RawFields): boolean {
  const range = fieldValue(asked, 'range');
  if (range === null) return true;
  if (/^multipart\/byteranges\b/i.test(contentType)) return false;
  const part = readPart(fields);
  // Only bytes are understood here.
  if (part === null) return /^bytes\b/i.test(fieldValue(fields, 'content-range') ?? 'bytes');
  if (part.bytes <= 0) return true;
  // One range, with a beginning.
  const [, from, to] = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(range) ?? [];
  if (from === undefined) return false;
  return part.first < Number(from) || (to !== undefined && to !== '' && part.first > Number(to));
}

export interface Part {
  readonly first: number;
  readonly bytes: number;
}

/** The part of a whole that a body is (RFC 9110 section 14.4); null: it does not say so. */
export function readPart(fields: RawFields): Part | null {
  const value = fieldValue(fields, 'content-range');
  const [, first = '', last = ''] = /^bytes (\d{1,15})-(\d{1,15})\/(?:\d{1,15}|\*)$/.exec(value ?? '') ?? [];
  return first === '' ? null : { first: Number(first), bytes: Number(last) - Number(first) + 1 };
}

/** RFC 9110 section 15.4.5: a 304 says that a version is current which the client named. Tags are compared weakly, without their `W/`. */
function isOtherVersion(fields: RawFields, asked: RawFields): boolean {
  const current = TAG.exec(fieldValue(fields, 'etag') ?? '')?.[0];
  const named = listValue(asked, 'if-none-match')?.match(TAGS);
  return current !== undefined && named !== undefined && named !== null && !named.includes(current);
}

const TAG = /"[^"]*"/;
const TAGS = /"[^"]*"/g;
