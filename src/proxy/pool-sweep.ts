// Connections to instances that lay idle for too long, and those to instances that are gone, are closed every two seconds, as long as
// there are any.

import type { ServiceRuntime } from './service.ts';

const INTERVAL_MS = 2_000;

export class PoolSweep {
  readonly #services: ReadonlyMap<string, ServiceRuntime>;
  readonly #rests: () => boolean;
  #timer: NodeJS.Timeout | null = null;
  #ended = false;

  /** `rests`: no request comes before `start` is called again. */
  constructor(services: ReadonlyMap<string, ServiceRuntime>, rests: () => boolean) {
    this.#services = services;
    this.#rests = rests;
  }

  start(): void {
    if (!this.#ended) this.#timer ??= setInterval(() => this.#sweep(), INTERVAL_MS).unref();
  }

  /** Stops sweeping for good. */
  end(): void {
    this.#ended = true;
    this.#stop();
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #sweep(): void {
    let connections = 0;
    for (const service of this.#services.values()) {
      service.sweep(INTERVAL_MS);
      connections += service.upstreamConnections;
    }
    if (connections === 0 && this.#rests()) this.#stop();
  }
}
