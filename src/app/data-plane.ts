// One data planes of the game: an event loop with routers of its own and the ports through which requests reach them. One
// event loop is one data planes; with `proxy.workers` there are several, each deciding for itself.

import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { InstanceKey, PlacementUpdate } from '../core/domain.ts';
import type { Rng } from '../core/rng.ts';
import type { RouterEvent, RouterSnapshot, ServiceRouter } from '../core/service-router.ts';
import { addressBook, type Resolution } from '../net/address-book.ts';
import type { OnHealth } from '../proxy/health.ts';
import { type BoundListener, createProxy, type Proxy as DataPath, type ProxyService } from '../proxy/proxy.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { startTraces, type Traces } from '../telemetry/traces/traces.ts';
import { RouterSet } from './router-set.ts';

export interface DataPlaneOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Of qedge. */
  readonly version: string;
  readonly onEvent: (service: string, event: RouterEvent) => void;
  /** Health checks changed their mind about an instance; null: they are made by another data planes, who tells. */
  readonly onHealth: OnHealth | null;
  /** Not the first on its ports. */
  readonly joins?: boolean;
}

export class DataPlane {
  readonly #clock: Clock;
  readonly #set: RouterSet;
  readonly #proxy: DataPath;
  readonly #traces: Traces | null;

  constructor(options: DataPlaneOptions) {
    const { config } = options;
    this.#clock = options.clock;
    this.#set = new RouterSet(options);
    const traced = { ...options, nodeId: config.node.id };
    this.#traces = config.traces === null ? null : startTraces({ ...traced, config: config.traces });
    this.#proxy = createProxy({
      ...options,
      tracer: this.#traces?.tracer ?? null,
      nodeId: config.node.id,
      config: config.proxy,
      services: this.#services(config),
      accessLog: config.log.access,
    });
  }

  /** Service name → router; one object for the life of the data planes. */
  get routers(): ReadonlyMap<string, ServiceRouter> {
    return this.#set.routers;
  }

  get listeners(): readonly BoundListener[] {
    return this.#proxy.listeners;
  }

  /** `sockets`: inherited ones by the name of the listener. `shared`: where the first data planes listens. */
  listen(
    sockets: ReadonlyMap<string, number>,
    shared: readonly BoundListener[] = [],
  ): Promise<readonly BoundListener[]> {
    return this.#proxy.listen(sockets, shared);
  }

  /** Takes back what was learned, then decides from here on. */
  start(learned: readonly RouterSnapshot[], ageMs: number): void {
    this.#set.restore(learned, ageMs);
    this.#set.start();
  }

  applyPlacement(service: string, update: PlacementUpdate): void {
    this.#set.applyPlacement(service, update);
  }

  observeRtt(nodeId: string, rttMs: number): void {
    this.#set.observeRtt(nodeId, rttMs);
  }

  forgetNode(nodeId: string): void {
    this.#set.forgetNode(nodeId);
  }

  /** What is known of a name changed; null: it is not kept any more. */
  observeName(name: string, resolution: Resolution | null): void {
    addressBook.set(name, resolution);
    this.#set.observeName(name, resolution === null || resolution.kind === 'known');
  }

  /** What health checks found out. */
  observeHealth(service: string, key: InstanceKey, healthy: boolean): void {
    this.#set.observeHealth(service, key, healthy);
  }

  /** Somebody drains an instance, or takes that back. */
  drainInstance(service: string, key: InstanceKey, on: boolean): void {
    this.#set.drain(service, key, on);
  }

  /** Throws `CommandError`, with nothing changed, when a file the configuration names cannot be used. */
  async configure(config: Config): Promise<void> {
    this.#proxy.configure(config.proxy, config.log.access);
    this.#set.reload(config.services);
    await this.#proxy.applyServices(this.#services(config));
  }

  snapshots(): RouterSnapshot[] {
    const nowMs = this.#clock.nowMs();
    return [...this.routers.values()].map((router) => router.snapshot(nowMs));
  }

  /** Finishes what is in flight; keeps deciding until then. */
  async drain(options: { readonly succeeded: boolean }): Promise<void> {
    await this.#proxy.drain(options);
    await this.#traces?.stop();
  }

  async close(): Promise<void> {
    this.#set.stop();
    await this.#proxy.close();
  }

  #services(config: Config): ProxyService[] {
    return config.services.flatMap((service) => {
      const router = this.routers.get(service.name);
      return router === undefined ? [] : [{ config: service, router }];
    });
  }
}
