// Where a request of the admin port comes from, as it says itself: of a route, and of a handshake, which never reaches one.

import type { IncomingMessage } from 'node:http';
import { parse } from 'hono/utils/cookie';
import { SESSION_COOKIE } from '../../config/session-cookie.ts';
import type { Access, AccessRequest } from './access.ts';

/** The status that a WebSocket handshake is refused with; null where it is not. */
export function refuseUpgrade(access: Access, request: IncomingMessage): 401 | 403 | null {
  const verdict = access.judge(
    accessRequest(request.method ?? 'GET', (name) => {
      const value = request.headers[name];
      return typeof value === 'string' ? value : null;
    }),
  );
  if (verdict.kind === 'allowed') return null;
  return verdict.kind === 'forbidden' ? 403 : 401;
}

export function accessRequest(method: string, header: (name: string) => string | null): AccessRequest {
  return {
    method,
    host: header('host'),
    origin: header('origin'),
    secFetchSite: header('sec-fetch-site'),
    authorization: header('authorization'),
    session: parse(header('cookie') ?? '', SESSION_COOKIE)[SESSION_COOKIE] ?? null,
    contentType: header('content-type'),
  };
}
