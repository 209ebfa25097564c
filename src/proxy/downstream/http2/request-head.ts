// The field lists of requests (RFC 9113 section 8.3.1), as the fields that the request path reads: what HTTP/2 says by other means
// (authority, a body without a length) is said here as HTTP/1 says it.

import { FieldRole, type HpackField } from '../../http2/hpack/field.ts';

export interface Http2RequestHead {
  readonly method: string;
  readonly path: string;
  /** Name, value, name, value, … */
  readonly rawHeaders: readonly string[];
  /** Bytes; -1 without one. */
  readonly contentLength: number;
}

/** Null: malformed (RFC 9113 section 8.1.1). `endStream`: no body follows. */
export function readHttp2RequestHead(fields: readonly HpackField[], endStream: boolean): Http2RequestHead | null {
  const pseudo: (string | null)[] = [null, null, null, null];
  const raw: string[] = [];
  let cookies: string | null = null;
  let host: string | null = null;
  let contentLength = -1;
  for (const { name, value, role } of fields) {
    if (isUnfit(role)) return null;
    if (isPseudo(role)) {
      // RFC 9113 section 8.3: in front of all others, and each once.
      if (raw.length > 0 || cookies !== null || pseudo[role - FieldRole.method] !== null) return null;
      pseudo[role - FieldRole.method] = value;
      continue;
    }
    if (role === FieldRole.cookie) {
      // RFC 9113 section 8.2.3: crumbs are put together before they leave HTTP/2.
      cookies = cookies === null ? value : `${cookies}; ${value}`;
      continue;
    }
    if (role === FieldRole.host) host = value;
    else if (role === FieldRole.contentLength) {
      if (contentLength >= 0) return null;
      contentLength = Number(value);
    }
    raw.push(name, value);
  }
  const [method = null, scheme = null, authority = null, path = null] = pseudo;
  if (method === null || (authority === null && host === null)) return null;
  // RFC 9113 section 8.5.
  const isConnect = method === 'CONNECT';
  if (isConnect ? scheme !== null || path !== null : scheme === null || path === null) return null;
  if (path === '*' && method !== 'OPTIONS') return null;
  // RFC 9113 section 8.1.1.
  if (endStream && contentLength > 0) return null;
  if (cookies !== null) raw.push('cookie', cookies);
  // RFC 9113 section 8.3.1: it stands for Host. One that says otherwise stays beside it, and two are one too many.
  if (authority !== null && host?.toLowerCase() !== authority.toLowerCase()) raw.push('Host', authority);
  // RFC 9113 section 8.1: the body ends with the stream at any length.
  if (!endStream && contentLength < 0) raw.push('Transfer-Encoding', 'chunked');
  return { method, path: path ?? '', rawHeaders: raw, contentLength };
}

/** Raw fields; null: malformed (RFC 9113 section 8.1). */
export function readTrailers(fields: readonly HpackField[]): string[] | null {
  const raw: string[] = [];
  for (const { name, value, role } of fields) {
    if (isUnfit(role) || isPseudo(role)) return null;
    raw.push(name, value);
  }
  return raw;
}

/** Whether a field with this role must not be part of a request's head. */
function isUnfit(role: number): boolean {
  return role === FieldRole.malformed || role === FieldRole.status || role === FieldRole.badValue;
}

function isPseudo(role: number): boolean {
  return role >= FieldRole.method && role <= FieldRole.path;
}
