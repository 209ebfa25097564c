// Logs a browser in: the token is sent once, in a form; then a cookie that scripts cannot read stands for it.

import type { Hono } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { SESSION_COOKIE } from '../../config/session-cookie.ts';
import { parseBoundedJson } from '../../core/bounded-json.ts';
import { problem } from '../problem.ts';
import { type Access, isJson, SESSION_MS } from './access.ts';
import { addressOf, type Caller, notJson, tooMany } from './guard.ts';
import type { Guesses } from './guesses.ts';

const COOKIE = { httpOnly: true, sameSite: 'Strict', path: '/' } as const;
const TOKEN_CHARS_MAX = 4096;

/** Register these routes before the guard: their callers have no session yet. */
export function registerSession(app: Hono<Caller>, access: Access, guesses: Guesses): void {
  app.post('/api/v1/session', async (c) => {
    if (!isJson(c.req.header('content-type') ?? null)) return notJson(c);
    if (!access.demandsToken) return problem(c, 409, 'no admin token is configured, so none is asked for');
    const address = addressOf(c);
    const token = tokenIn(await c.req.text());
    if (!guesses.admits(address)) return tooMany(c);
    const session = token === null ? null : access.logIn(token);
    if (session === null) {
      await guesses.recordWrong(address);
      return problem(c, 401, 'the admin token is wrong');
    }
    setCookie(c, SESSION_COOKIE, session, { ...COOKIE, maxAge: SESSION_MS / 1000 });
    return c.body(null, 204);
  });
  app.delete('/api/v1/session', (c) => {
    access.logOut(getCookie(c, SESSION_COOKIE) ?? '');
    deleteCookie(c, SESSION_COOKIE, COOKIE);
    return c.body(null, 204);
  });
}

/** Null for a body that holds no token. */
function tokenIn(body: string): string | null {
  try {
    const value = parseBoundedJson(body) as { readonly token?: unknown } | null;
    const token = value?.token;
    return typeof token === 'string' && token.length <= TOKEN_CHARS_MAX ? token : null;
  } catch {
    return null;
  }
}
