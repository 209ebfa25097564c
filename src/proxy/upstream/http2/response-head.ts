// The field lists of answers (RFC 9113 section 8.3.2), as raw fields.

import { FieldRole, type HpackField } from '../../http2/hpack/field.ts';

export interface Http2ResponseHead {
  readonly status: number;
  /** Name, value, name, value, … */
  readonly fields: string[];
  /** Bytes; -1 without one. */
  readonly contentLength: number;
}

const SWITCHING_PROTOCOLS = 101;

/** Null: malformed (RFC 9113 section 8.1.1). A field whose value is none is left out. */
export function readHttp2ResponseHead(list: readonly HpackField[]): Http2ResponseHead | null {
  const first = list[0];
  if (first === undefined || first.role !== FieldRole.status) return null;
  const status = Number(first.value);
  // RFC 9113 section 8.6.
  if (status === SWITCHING_PROTOCOLS) return null;
  const fields: string[] = [];
  let contentLength = -1;
  for (let i = 1; i < list.length; i++) {
    const { name, value, role } = list[i] ?? first;
    if (isUnfit(role)) return null;
    if (role === FieldRole.badValue) continue;
    if (role === FieldRole.contentLength) {
      if (contentLength >= 0) return null;
      contentLength = Number(value);
    }
    fields.push(name, value);
  }
  return { status, fields, contentLength };
}

/** Raw fields; null: malformed (RFC 9113 section 8.1). */
export function readAnswerTrailers(list: readonly HpackField[]): string[] | null {
  const fields: string[] = [];
  for (const { name, value, role } of list) {
    if (isUnfit(role)) return null;
    if (role !== FieldRole.badValue) fields.push(name, value);
  }
  return fields;
}

/** Not well-formed, or a pseudo-header field. */
function isUnfit(role: number): boolean {
  if (role === FieldRole.malformed || role === FieldRole.status) return true;
  return role >= FieldRole.method && role <= FieldRole.path;
}
