// Logging a browser in: the token once, in a form; a cookie that no script can read from then on.

import type { Hono } from 'hono';
import { deleteCookie, setCookie } from 'hono/cookie';
import { SESSION_COOKIE } from '../config/session-cookie.ts';
import type { Access } from './access.ts';
import type { Caller } from './guard.ts';
import { problem } from './problem.ts';

const COOKIE = { httpOnly: true, sameSite: 'Strict', path: '/' } as const;
const TOKEN_CHARS_MAX = 4096;

/** These routes stand before the guard: whoever calls them has no session yet. */
export function registerSession(app: Hono<Caller>, access: Access): void {
  app.post('/api/v1/session', async (c) => {
    if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) {
      return problem(c, 400, 'expected application/json');
    }
    const body: unknown = await c.req.json().catch(() => null);
    const token = typeof body === 'object' && body !== null && 'token' in body ? body.token : null;
    const session = typeof token === 'string' && token.length <= TOKEN_CHARS_MAX ? access.logIn(token) : null;
    if (session === null) return problem(c, 401, 'that is not the admin token');
    setCookie(c, SESSION_COOKIE, session, COOKIE);
    return c.body(null, 204);
  });
  app.delete('/api/v1/session', (c) => {
    deleteCookie(c, SESSION_COOKIE, COOKIE);
    return c.body(null, 204);
  });
}
