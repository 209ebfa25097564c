// The field block of a request (RFC 9113 section 8.3.1), from raw fields.

import { encodeField, encodeFields } from '../../http2/hpack/encoder.ts';
import type { Transmission } from '../upstream.ts';

/** Entries of the static table (RFC 7541 appendix A), as they are said. */
const METHODS: ReadonlyMap<string, string> = new Map([
  ['GET', '\x82'],
  ['POST', '\x83'],
]);
const ROOT = '\x84';
const SCHEMES = { http: '\x86', https: '\x87' } as const;

/** Text in which each character is a byte. */
export function requestBlock({ request, framing }: Transmission, scheme: 'http' | 'https'): string {
  const { method, target, fields } = request;
  const { contentLength, trailer, expect } = framing;
  let block = METHODS.get(method) ?? encodeField(':method', method);
  block += SCHEMES[scheme] + (target === '/' ? ROOT : encodeField(':path', target));
  block += encodeField(':authority', hostOf(fields)) + encodeFields(fields);
  if (contentLength !== null) block += encodeField('content-length', String(contentLength));
  if (trailer !== null) block += encodeField('trailer', trailer);
  if (expect !== null) block += encodeField('expect', expect);
  return block;
}

function hostOf(fields: readonly string[]): string {
  for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === 'Host') return fields[i + 1] ?? '';
  return '';
}
