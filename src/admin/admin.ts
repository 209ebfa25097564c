// The admin port: health, readiness, metrics and the JSON API. It reads through callbacks that the composition root gives
// it, so that nothing here knows proxy, placement, probes or store.

import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import type { AdminConfig, ListenAddress } from '../config/config.ts';
import { CommandError } from '../errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createProcessFacts, registerProcessMetrics } from '../telemetry/process-facts.ts';
import { Access, isLoopback } from './access.ts';
import { registerApi } from './api.ts';
import { guard } from './guard.ts';
import { problem } from './problem.ts';
import { registerServiceMetrics } from './service-metrics.ts';
import { createStateReader, type StateSources } from './state-reader.ts';

export interface AdminOptions extends StateSources {
  readonly config: AdminConfig;
  readonly metrics: Metrics;
  readonly log: Logger;
}

export interface Admin {
  /** Binds the port. `fd`: an inherited listening socket to use instead. Throws `CommandError` when it cannot. */
  listen(fd?: number): Promise<ListenAddress>;
  /** Stops listening and drops open connections. */
  close(): Promise<void>;
}

/** Throws `CommandError` for a listener beyond loopback without a token. */
export function createAdmin(options: AdminOptions): Admin {
  const { config, metrics, log } = options;
  if (config.token === null && !isLoopback(config.listen)) {
    throw new CommandError(
      `admin.listen: ${config.listen.host} is reachable from other machines, which needs admin.token`,
    );
  }
  const processFacts = createProcessFacts();
  const reader = createStateReader(options, processFacts);
  registerProcessMetrics(metrics, processFacts, options.node());
  registerServiceMetrics(metrics, reader.services, options.events);

  const app = new Hono();
  app.use(secureHeaders());
  app.get('/healthz', (c) => c.text('ok\n'));
  app.get('/readyz', (c) => {
    const now = reader.readiness();
    return c.json(now, now.ready ? 200 : 503);
  });
  app.use(guard(new Access(config.token)));
  registerApi(app, { reader, metrics, events: options.events });
  app.notFound((c) => problem(c, 404, `nothing is at ${c.req.path}`));
  app.onError((error, c) => {
    log.error({ err: error, path: c.req.path }, 'admin request failed');
    return problem(c, 500, 'internal error');
  });

  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  return {
    listen: (fd) => listen(server, config.listen, fd),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
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
