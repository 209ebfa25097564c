// Active health checks, for a service that asks for them: each instance is asked over HTTP or just connected to, and what comes
// of it is told. A failed instance is suspect, never gone: the router falls back on it when nothing else is left, and one
// good check brings it back.

import { request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { HealthConfig } from '../config/config.ts';
import type { Instance, InstanceKey } from '../core/domain.ts';
import { instanceKey } from '../core/domain.ts';
import { openConnection } from './upstream/connect.ts';
import type { UpstreamTls } from './upstream/tls.ts';

/** Told when the checks of a service changed their mind about an instance. */
export type OnHealth = (service: string, key: InstanceKey, healthy: boolean, reason: string) => void;

export interface HealthCheckerOptions {
  readonly config: HealthConfig;
  /** The instances that live now; asked for at each round. */
  readonly instances: () => readonly Instance[];
  /** Only changes are told. */
  readonly onHealth: (key: InstanceKey, healthy: boolean, reason: string) => void;
  /** Spreads the first checks of many load balancers, in [0, 1). */
  readonly phase: number;
  readonly tls: UpstreamTls;
}

export interface HealthChecker {
  /** Stops; checks under way are given up without a word. */
  stop(): void;
}

/** Starts at once: the first round follows within one interval. */
export function startHealthChecks(options: HealthCheckerOptions): HealthChecker {
  return new IntervalChecker(options);
}

interface Standing {
  readonly instance: Instance;
  failures: number;
  up: boolean;
  checking: boolean;
}

class IntervalChecker implements HealthChecker {
  readonly #options: HealthCheckerOptions;
  readonly #standings = new Map<InstanceKey, Standing>();
  #timer: NodeJS.Timeout;
  #stopped = false;

  constructor(options: HealthCheckerOptions) {
    this.#options = options;
    this.#timer = setTimeout(() => this.#round(), options.phase * options.config.intervalMs);
    this.#timer.unref();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #round(): void {
    const { config, instances } = this.#options;
    this.#timer = setTimeout(() => this.#round(), config.intervalMs).unref();
    const live = new Map(instances().map((instance) => [instanceKey(instance), instance]));
    for (const [key, { instance }] of this.#standings) {
      if (live.get(key) !== instance) this.#standings.delete(key);
    }
    for (const [key, instance] of live) {
      const standing = this.#standings.get(key) ?? { instance, failures: 0, up: true, checking: false };
      this.#standings.set(key, standing);
      // One that hangs is not asked again while it does; its timeout is on its way.
      if (!standing.checking) this.#check(key, standing);
    }
  }

  #check(key: InstanceKey, standing: Standing): void {
    standing.checking = true;
    checkOnce(standing.instance, this.#options, (failure) => {
      standing.checking = false;
      if (!this.#stopped && this.#standings.get(key) === standing) this.#judge(key, standing, failure);
    });
  }

  /** `failure` null: the check was good. */
  #judge(key: InstanceKey, standing: Standing, failure: string | null): void {
    const { config, onHealth } = this.#options;
    standing.failures = failure === null ? 0 : standing.failures + 1;
    const up = failure === null || (standing.up && standing.failures < config.failuresMax);
    if (up === standing.up) return;
    standing.up = up;
    onHealth(key, up, failure ?? 'the health check is good again');
  }
}

/**
 * Calls back exactly once: null, or why the check failed. An instance that speaks HTTP/2 without TLS is only connected to: a
 * path of its own to ask for would be one of gRPC.
 */
export function checkOnce(
  instance: Instance,
  options: Pick<HealthCheckerOptions, 'config' | 'tls'>,
  done: (failure: string | null) => void,
): void {
  const { config, tls } = options;
  const startMs = performance.now();
  openConnection(
    instance,
    { timeoutMs: config.timeoutMs, tls, protocols: ['http/1.1'], into: null },
    (error, socket) => {
      if (socket === null || config.kind === 'tcp' || instance.scheme === 'h2c') {
        socket?.destroy();
        done(error?.message ?? null);
        return;
      }
      const leftMs = Math.max(1, config.timeoutMs - (performance.now() - startMs));
      ask(socket, { host: `${instance.host}:${instance.port}`, path: config.path, timeoutMs: leftMs }, done);
    },
  );
}

function ask(
  socket: Socket,
  { host, path, timeoutMs }: { readonly host: string; readonly path: string; readonly timeoutMs: number },
  done: (failure: string | null) => void,
): void {
  const outgoing = httpRequest({
    createConnection: () => socket,
    path,
    headers: { Host: host, 'User-Agent': 'qedge-health', Connection: 'close' },
  });
  const settle = (failure: string | null): void => {
    clearTimeout(timer);
    socket.destroy();
    done(failure);
  };
  const timer = setTimeout(() => outgoing.destroy(new Error('no answer in time')), timeoutMs);
  outgoing.once('error', (error) => settle(error.message));
  outgoing.once('response', ({ statusCode = 0 }) => {
    // A status says it all; what happens to the body is of no interest.
    outgoing.removeAllListeners('error').on('error', () => {});
    settle(statusCode >= 200 && statusCode < 400 ? null : `status ${statusCode}`);
  });
  outgoing.end();
}
