// The admin port: health, readiness, metrics and the JSON API. It reads through callbacks that the composition root gives
// it, so that nothing here knows proxy, placement, probes or store.

import type { RequestListener, Server } from 'node:http';
import type { ListenAddress } from '../config/config.ts';
import { isLoopback } from '../config/loopback.ts';
import { CommandError, notListening } from '../errors.ts';
import { runInTurns } from '../net/in-turns.ts';
import { oneAtATime } from '../net/one-at-a-time.ts';
import { createProcessFacts, registerProcessMetrics } from '../telemetry/process-facts.ts';
import { Access } from './access/access.ts';
import { refuseUpgrade } from './access/refuse-upgrade.ts';
import { registerChainMetrics } from './chain-metrics.ts';
import { LiveFeed } from './live.ts';
import type { AdminOptions } from './options.ts';
import { createPacedServer } from './paced-server.ts';
import type { RouteParts } from './routes.ts';
import { registerServiceMetrics } from './service-metrics.ts';
import { Ejections } from './state/ejections.ts';
import { HISTORY_INTERVAL_MS, History } from './state/history.ts';
import { createStateReader } from './state/reader.ts';

/** The admin port. */
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
  const processFacts = createProcessFacts(options.wallMsOf);
  const ejections = new Ejections(options.clock);
  const reader = createStateReader(options, processFacts, ejections);
  registerProcessMetrics(metrics, processFacts, options.node());
  registerServiceMetrics(metrics, reader.services, options.events);
  registerChainMetrics(metrics, options.chains);
  const access = new Access(config.token);
  const history = new History();
  const server = createPacedServer(loadedWhenAsked(options, { access, reader, history, ejections }));
  server.maxConnections = CONNECTIONS_MAX;
  const live = new LiveFeed(server, {
    document: reader.document,
    events: options.events,
    refuse: (request) => refuseUpgrade(access, request),
    onError: (error) => options.log.error({ err: error }, 'admin live feed has no state'),
  });
  const sample = oneAtATime(
    () => runInTurns(history.sample(reader.services(), options.clock.nowMs())),
    (error) => options.log.error({ err: error }, 'admin history got no sample'),
  );
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

/** Viewers, scrapers and commands; the descriptors of the proxy are not theirs to use up. */
const CONNECTIONS_MAX = 256;

/** Loading the routes takes a fifth of a start, and nothing in a start needs them. */
function loadedWhenAsked(options: AdminOptions, parts: RouteParts): RequestListener {
  let routes: Promise<RequestListener> | null = null;
  return async (request, response) => {
    routes ??= import('./routes.ts').then(({ createRoutes }) => createRoutes(options, parts));
    (await routes)(request, response);
  };
}

function withoutToken(host: string): CommandError {
  return new CommandError(`admin.listen: ${host} is reachable from other machines, which needs admin.token`);
}

/** Also true while the port is not bound yet. */
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
      reject(new CommandError(`admin.listen: ${address.host}:${address.port}: ${notListening(error)}`, 1, error));
    });
    server.listen(fd === undefined ? address : { fd }, () => {
      const bound = server.address();
      resolve(bound !== null && typeof bound === 'object' ? { host: address.host, port: bound.port } : address);
    });
  });
}
