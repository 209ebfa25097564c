// Which session a request belongs to, where its service ties requests together.

import type { ServiceConfig } from '../../../config/config.ts';
import { CLIENT_ID_CHARS_MAX } from './client-id.ts';

type Affinity = NonNullable<ServiceConfig['affinity']>;

/** Empty: it belongs to none. The end of a long name is kept: that is where tokens differ. */
export function sessionOf({ header, cookie }: Affinity, fields: readonly string[], clientId: string): string {
  if (header !== null) return (fieldOf(fields, header.toLowerCase()) ?? '').slice(-CLIENT_ID_CHARS_MAX);
  if (cookie !== null) return (cookieOf(fields, cookie) ?? '').slice(-CLIENT_ID_CHARS_MAX);
  return clientId;
}

function fieldOf(fields: readonly string[], name: string): string | null {
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (fields[i]?.toLowerCase() === name) return fields[i + 1] ?? null;
  }
  return null;
}

/** Cookies may come in several fields of HTTP/2 (RFC 9113 section 8.2.3). */
function cookieOf(fields: readonly string[], name: string): string | null {
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (fields[i]?.toLowerCase() !== 'cookie') continue;
    for (const pair of (fields[i + 1] ?? '').split(';')) {
      const [key = '', ...rest] = pair.split('=');
      if (key.trim() === name) return rest.join('=').trim();
    }
  }
  return null;
}
