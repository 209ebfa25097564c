// The admin port: health, readiness, metrics and the JSON API. It reads through callbacks that the composition root gives
// it, so that nothing here knows proxy, placement, probes or store.

import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { secureHeaders } from 'hono/secure-headers';
import type { AdminConfig, ListenAddress } from '../config/config.ts';
import { isLoopback } from '../config/loopback.ts';
import type { PolicyChoice } from '../core/policies/registry.ts';
import { CommandError } from '../errors.ts';
import { type Logger, type LogLevel, RateLimitedLog } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createProcessFacts, registerProcessMetrics } from '../telemetry/process-facts.ts';
import { Access } from './access.ts';
import { registerActions } from './actions.ts';
import { registerApi } from './api.ts';
import { registerDashboard } from './dashboard-files.ts';
import { registerDecisionLog } from './decision-log-route.ts';
import { type Caller, guard, refuseUpgrade } from './guard.ts';
import { Guesses } from './guesses.ts';
import { HISTORY_INTERVAL_MS, History } from './history.ts';
import { LiveFeed } from './live.ts';
import { problem } from './problem.ts';
import { registerServiceMetrics } from './service-metrics.ts';
import { registerSession } from './session.ts';
import { createStateReader, type StateReader, type StateSources } from './state-reader.ts';

export interface AdminOptions extends StateSources {
  readonly config: AdminConfig;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Gives a service another policy; what its old one learned is lost. */
  readonly setPolicy: (service: string, policy: PolicyChoice) => Promise<void> | void;
  readonly setLogLevel: (level: LogLevel) => Promise<void> | void;
}

export interface Admin {
  /** Binds the port. `fd`: an inherited listening socket to use instead. Throws `CommandError` when it cannot. */
  listen(fd?: number): Promise<ListenAddress>;
  /** Another token from now on. */
  setToken(token: string | null): void;
  /** Stops listening and drops open connections. */
  close(): Promise<void>;
}

/** Throws `CommandError` for a listener beyond loopback without a token. */
export function createAdmin(options: AdminOptions): Admin {
  const { config, metrics } = options;
  if (config.token === null && !isLoopback(config.listen.host)) throw withoutToken(config.listen.host);
  const processFacts = createProcessFacts();
  const reader = createStateReader(options, processFacts);
  registerProcessMetrics(metrics, processFacts, options.node());
  registerServiceMetrics(metrics, reader.services, options.events);
  const access = new Access(config.token);
  const history = new History();
  const app = createApp(options, { access, reader, history });
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.maxConnections = CONNECTIONS_MAX;
  const live = new LiveFeed(server, {
    document: reader.document,
    events: options.events,
    refuse: (request) => refuseUpgrade(access, request),
  });
  const sample = (): void => history.sample(reader.services(), Date.now());
  const sampling = setInterval(sample, HISTORY_INTERVAL_MS).unref();
  return {
    // Without a token anyone who reaches the port is let in: the bound address decides how many that are.
    setToken: (token) => {
      if (token !== null || boundToLoopback(server)) access.renew(token);
      else options.log.warn('the admin token stays: the port is bound beyond loopback until a restart');
    },
    listen: async (fd) => {
      sample();
      const address = await listen(server, config.listen, fd);
      if (config.token === null && !boundToLoopback(server)) throw withoutToken(address.host);
      return address;
    },
    close: () => {
      clearInterval(sampling);
      live.close();
      return close(server);
    },
  };
}

/** The same failure is logged at most this often. */
const FAILURE_LOG_INTERVAL_MS = 60_000;

/** The longest body that any route takes, before it asks for more than that. */
const BODY_BYTES_MAX = 64 * 1024;
/** Viewers, scrapers and commands; the descriptors of the proxy are not theirs to use up. */
const CONNECTIONS_MAX = 256;

interface Parts {
  readonly access: Access;
  readonly reader: StateReader;
  readonly history: History;
}

/** Health and the page itself stand before the guard: neither reveals anything of this node. */
function createApp(options: AdminOptions, { access, reader, history }: Parts): Hono<Caller> {
  const { metrics, events, log } = options;
  const app = new Hono<Caller>();
  const failures = new RateLimitedLog(FAILURE_LOG_INTERVAL_MS);
  // The port speaks plain HTTP; a promise of HTTPS would be a false one.
  app.use(secureHeaders({ strictTransportSecurity: false, xFrameOptions: 'DENY' }));
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
  registerApi(app, { reader, metrics, events, history });
  registerActions(app, options);
  registerDecisionLog(app, options);
  app.notFound((c) => problem(c, 404, `nothing is at ${c.req.path}`));
  app.onError((error, c) => {
    // Its client left before all of it had come.
    if ('code' in error && error.code === 'ECONNRESET') return problem(c, 400, 'the request was cut off');
    const suppressed = failures.admit(error.message, options.clock.nowMs());
    if (suppressed !== null) log.error({ err: error, path: c.req.path, suppressed }, 'admin request failed');
    return problem(c, 500, 'internal error');
  });
  return app;
}

function withoutToken(host: string): CommandError {
  return new CommandError(`admin.listen: ${host} is reachable from other machines, which needs admin.token`);
}

/** True of a port that is not bound yet. */
function boundToLoopback(server: Server): boolean {
  const bound = server.address();
  return bound === null || typeof bound === 'string' || isLoopback(bound.address);
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function listen(server: Server, address: ListenAddress, fd?: number): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'the port is taken' : error.message;
      reject(new CommandError(`admin.listen: ${address.host}:${address.port}: ${why}`, 1, error));
    });
    server.listen(fd === undefined ? address : { fd }, () => {
      const bound = server.address();
      resolve(bound !== null && typeof bound === 'object' ? { host: address.host, port: bound.port } : address);
    });
  });
}
