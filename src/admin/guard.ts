// The door of the admin port: every request but health passes here.

import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import { type Access, type AccessRequest, SESSION_COOKIE } from './access.ts';
import { problem } from './problem.ts';

export function guard(access: Access): MiddlewareHandler {
  return async (c, next) => {
    const verdict = access.judge(accessRequest(c));
    if (verdict.kind === 'allowed') return next();
    if (verdict.kind === 'forbidden') return problem(c, 403, verdict.reason);
    c.header('www-authenticate', 'Bearer realm="qedge"');
    return problem(c, 401, 'admin.token is needed, as Authorization: Bearer <token>');
  };
}

function accessRequest(c: Context): AccessRequest {
  const header = (name: string): string | null => c.req.header(name) ?? null;
  return {
    method: c.req.method,
    host: header('host'),
    origin: header('origin'),
    secFetchSite: header('sec-fetch-site'),
    authorization: header('authorization'),
    session: getCookie(c, SESSION_COOKIE) ?? null,
    contentType: header('content-type'),
  };
}
