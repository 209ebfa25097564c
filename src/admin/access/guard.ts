// The door of the admin port: every request but health passes here.

import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, MiddlewareHandler } from 'hono';
import { problem } from '../problem.ts';
import type { Access } from './access.ts';
import type { Guesses } from './guesses.ts';
import { accessRequest } from './refuse-upgrade.ts';

/** The caller, for the audit line: by what it proved itself, and from where. */
export interface Caller {
  Variables: { caller: string };
}

/** Refuses a request that may not pass, before any route sees it. */
export function guard(access: Access, guesses: Guesses): MiddlewareHandler<Caller> {
  return async (c, next) => {
    const address = addressOf(c);
    const proves = access.demandsToken && c.req.header('authorization') !== undefined;
    if (proves && !guesses.admits(address)) return tooMany(c);
    const verdict = access.judge(accessRequest(c.req.method, (name) => c.req.header(name) ?? null));
    if (verdict.kind === 'allowed') {
      c.set('caller', `${verdict.by} ${address}`.trim());
      return next();
    }
    if (verdict.kind === 'forbidden') return problem(c, 403, verdict.reason);
    if (verdict.kind === 'wrong-type') return notJson(c);
    if (proves) await guesses.recordWrong(address);
    c.header('www-authenticate', 'Bearer realm="qedge"');
    return problem(c, 401, 'admin.token is needed, as Authorization: Bearer <token>');
  };
}

export const addressOf = (c: Context): string => getConnInfo(c).remote.address ?? '';

export const notJson = (c: Context): Response => problem(c, 415, 'content type is not application/json');

export function tooMany(c: Context): Response {
  c.header('retry-after', '1');
  return problem(c, 429, 'too many wrong tokens from this address');
}
