// What the admin port answers, route by route.

import type { RequestListener } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { secureHeaders } from 'hono/secure-headers';
import { RateLimitedLog } from '../telemetry/log.ts';
import type { Access } from './access/access.ts';
import { type Caller, guard } from './access/guard.ts';
import { Guesses } from './access/guesses.ts';
import { registerSession } from './access/session.ts';
import { registerActions } from './api/actions.ts';
import { registerApi } from './api/api.ts';
import { registerDecisionLog } from './api/decision-log.ts';
import { registerDashboard } from './dashboard-files.ts';
import type { AdminOptions } from './options.ts';
import { problem } from './problem.ts';
import type { Ejections } from './state/ejections.ts';
import type { History } from './state/history.ts';
import type { StateReader } from './state/reader.ts';

/** The same failure is logged at most this often. */
const FAILURE_LOG_INTERVAL_MS = 60_000;

/** The longest body that any route takes, before it asks for more than that. */
const BODY_BYTES_MAX = 64 * 1024;
/** What the routes read, besides the options of the port. */
export interface RouteParts {
  readonly access: Access;
  readonly reader: StateReader;
  readonly history: History;
  readonly ejections: Ejections;
}

const SERVED: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE']);

/** Health and the page itself stand before the guard: neither reveals anything of this node. */
export function createRoutes(options: AdminOptions, parts: RouteParts): RequestListener {
  const { access, reader, history, ejections } = parts;
  const { metrics, events, log, wallMsOf } = options;
  const app = new Hono<Caller>();
  const failures = new RateLimitedLog(FAILURE_LOG_INTERVAL_MS);
  // The port speaks plain HTTP; a promise of HTTPS would be a false one.
  app.use(secureHeaders({ strictTransportSecurity: false, xFrameOptions: 'DENY' }));
  // Some numbers with dots are a host to HTTP, and none to a URL.
  app.use(async (c, next) => {
    const host = c.req.header('host') ?? '';
    if (!URL.canParse(c.req.url)) return problem(c, 400, `"${host}" is no host`);
    return next();
  });
  app.use(async (c, next) => {
    const { method } = c.req;
    if (SERVED.has(method)) return next();
    c.header('allow', [...SERVED].join(', '));
    return problem(c, 405, `${method} is not served here`);
  });
  app.use(
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: (c) => problem(c, 413, `the body is longer than ${BODY_BYTES_MAX} bytes`),
    }),
  );
  app.get('/healthz', (c) => c.text('ok\n'));
  app.get('/readyz', (c) => {
    const now = reader.readiness();
    return c.json(now, now.ready ? 200 : 503);
  });
  registerDashboard(app);
  const guesses = new Guesses(log);
  registerSession(app, access, guesses);
  app.use(guard(access, guesses));
  registerApi(app, { reader, metrics, events, history, wallMsOf });
  registerActions(app, options, ejections);
  registerDecisionLog(app, options);
  app.notFound((c) => problem(c, 404, `nothing is at ${c.req.path}`));
  app.onError((error, c) => {
    // Its client left before all of it had come.
    if ('code' in error && error.code === 'ECONNRESET') return problem(c, 400, 'the request was cut off');
    const suppressed = failures.admit(error.message, options.clock.nowMs());
    if (suppressed !== null) log.error({ err: error, path: c.req.path, suppressed }, 'admin request failed');
    return problem(c, 500, 'internal error');
  });
  return getRequestListener(app.fetch);
}
