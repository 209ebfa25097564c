// The data plane as a whole: its ports, its services, and how it starts, changes and stops.

import { isDeepStrictEqual } from 'node:util';
import type { ListenAddress, ProxyConfig, ServiceConfig } from '../config/config.ts';
import type { Chain } from '../core/chain/chain.ts';
import type { Clock } from '../core/clock.ts';
import type { ServiceRouter } from '../core/service-router.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Tracer } from '../telemetry/traces/tracer.ts';
import { createDispatch } from './downstream/dispatch.ts';
import { drain, drainQuietly } from './downstream/drain.ts';
import { assertPortFree } from './downstream/listen-error.ts';
import { Listener } from './downstream/listener.ts';
import { drawTicketSecret } from './downstream/ticket-keys.ts';
import { readDownstreamTls } from './downstream/tls.ts';
import { ChainEntry } from './exchange/arrival/chain-entry.ts';
import type { ProxyContext } from './exchange/context.ts';
import { OwnFaults } from './exchange/record/own-faults.ts';
import { BaggageDeadlines } from './exchange/time/baggage-deadlines.ts';
import { UnreadDeadlines } from './exchange/time/unread-deadlines.ts';
import { requestFieldTable } from './fields/fields.ts';
import { TrustedPeers } from './fields/forwarded.ts';
import type { OnHealth } from './health.ts';
import { createProxyMetrics } from './metrics.ts';
import { PoolSweep } from './pool-sweep.ts';
import { ServiceRuntime } from './service.ts';
import { type ProxyStats, registerGauges } from './stats.ts';

/** A service to serve, and its router. */
export interface ProxyService {
  readonly config: ServiceConfig;
  readonly router: ServiceRouter;
  /** Placement may yet say where it runs: until `placementKnown`, requests wait for its first instance. */
  readonly awaited?: boolean;
}

export interface ProxyOptions {
  readonly nodeId: string;
  readonly config: ProxyConfig;
  readonly services: readonly ProxyService[];
  /** Chains keyed by name; absent for none. */
  readonly chains?: ReadonlyMap<string, Chain>;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** One log line a request. */
  readonly accessLog: boolean;
  /** Absent or null: no request is traced. */
  readonly tracer?: Tracer | null;
  /** Active health checks of a service changed their mind about an instance; null: none are made here. */
  readonly onHealth: OnHealth | null;
  /** Another event loop of this process has the ports already, and shares them. */
  readonly joins?: boolean;
  /** No request comes before `wake` is called; absent: one may come at any time. */
  readonly rests?: () => boolean;
}

/** A port that is open, with the address that it got. */
export interface BoundListener extends ListenAddress {
  /** `proxy`, or the service that has this port of its own. */
  readonly name: string;
}

/** The data plane's ports and services. */
export interface Proxy {
  /**
   * Opens every port. Throws `CommandError` when one cannot be had; those opened before it are closed again. `inherited`: listening sockets to
   * take instead, by listener name. `shared`: where the event loop that was first listens, for ports that were left to the system.
   */
  listen(inherited?: ReadonlyMap<string, number>, shared?: readonly BoundListener[]): Promise<readonly BoundListener[]>;
  /** Takes a new set of services; open connections and services that stay are not disturbed. Opens and closes ports of their own. */
  applyServices(services: readonly ProxyService[]): Promise<void>;
  /** Takes another set of chains; requests under way keep to theirs. */
  setChains(chains: ReadonlyMap<string, Chain>): void;
  /** Deadlines on the clock, and whose clocks agree. */
  readonly baggage: BaggageDeadlines;
  /** A request came though `rests` was true. */
  wake(): void;
  /** The router of the service has got an instance. */
  placed(service: string): void;
  /** What placement has said of these services by now is all there is. */
  placementKnown(services: readonly string[]): void;
  /**
   * Takes over other header names, limits, timeouts, trusted peers and certificates (read again); ports, and whether they
   * are TLS, stay. Throws `CommandError`, with nothing changed, for a certificate that cannot be used.
   */
  configure(config: ProxyConfig, accessLog: boolean): void;
  /** Session tickets of TLS are made from this secret from now on; those of another one are worth nothing. */
  renewTicketKeys(secret: Uint8Array): void;
  readonly listeners: readonly BoundListener[];
  stats(): ProxyStats;
  /** Accepts nothing new, lets what is in flight finish within `drainMs`, then closes. `succeeded`: another process accepts meanwhile. */
  drain(options?: { readonly succeeded: boolean }): Promise<void>;
  /** Closes at once. */
  close(): Promise<void>;
}

/** Binds nothing; `listen` does. */
export function createProxy(options: ProxyOptions): Proxy {
  return new HttpProxy(options);
}

/** Name of the shared port among the listeners. */
const SHARED = 'proxy';

class HttpProxy implements Proxy {
  readonly #options: ProxyOptions;
  /** Services keyed by their names in lower case. */
  readonly #services = new Map<string, ServiceRuntime>();
  readonly #context: { -readonly [Key in keyof ProxyContext]: ProxyContext[Key] };
  readonly #dispatch: ReturnType<typeof createDispatch>;
  #trusted: TrustedPeers;
  readonly baggage: BaggageDeadlines;
  readonly #listeners = new Map<string, { readonly listener: Listener; bound: ListenAddress }>();
  /** Ports of services that moved or left, for as long as a client is on them. */
  readonly #leaving = new Set<Listener>();
  readonly #sweep: PoolSweep;

  constructor(options: ProxyOptions) {
    this.#options = options;
    const { config, clock } = options;
    this.#trusted = new TrustedPeers(config.trustedPeers);
    this.baggage = new BaggageDeadlines(options.nodeId);
    this.#context = {
      viaName: `qedge-${options.nodeId}`,
      config,
      nowMs: () => clock.nowMs(),
      log: options.log,
      accessLog: options.accessLog,
      metrics: createProxyMetrics(options.metrics),
      ownFaults: new OwnFaults(options.log),
      tracer: options.tracer ?? null,
      requestFields: requestFieldTable(config),
      chains: null,
      unreadDeadlines: new UnreadDeadlines(),
      baggage: config.baggage ? this.baggage : null,
      ticketSecret: drawTicketSecret().secret,
      services: this.#services,
      refusing: false,
      draining: false,
    };
    if (options.chains !== undefined) this.setChains(options.chains);
    this.#dispatch = createDispatch(this.#context);
    for (const service of options.services) this.#setService(service);
    this.#sweep = new PoolSweep(this.#services, options.rests ?? (() => false));
    this.#sweep.start();
    registerGauges(options.metrics, () => this.stats());
  }

  async listen(
    inherited: ReadonlyMap<string, number> = new Map(),
    shared: readonly BoundListener[] = [],
  ): Promise<readonly BoundListener[]> {
    const open = (name: string, { host, port }: ListenAddress): Promise<void> => {
      const known = shared.find((one) => one.name === name)?.port ?? port;
      return this.#open(name, { host, port: known }, inherited.get(name));
    };
    try {
      await open(SHARED, this.#options.config.listen);
      for (const { name, config } of this.#services.values()) {
        if (config.listen !== null) await open(name, config.listen);
      }
    } catch (error) {
      await this.close();
      throw error;
    }
    return this.listeners;
  }

  get listeners(): readonly BoundListener[] {
    return [...this.#listeners].map(([name, { bound }]) => ({ name, ...bound }));
  }

  async applyServices(services: readonly ProxyService[]): Promise<void> {
    const names = new Set(services.map(({ config }) => config.name.toLowerCase()));
    for (const [name, runtime] of this.#services) {
      if (names.has(name)) continue;
      this.#services.delete(name);
      runtime.retire();
    }
    for (const service of services) this.#setService(service);
    await this.#moveListeners();
  }

  setChains(chains: ReadonlyMap<string, Chain>): void {
    const { metrics, log, config } = this.#context;
    this.#context.chains = chains.size === 0 ? null : new ChainEntry(chains, { metrics, log });
    this.#context.requestFields = requestFieldTable(config, chains.size > 0);
  }

  wake(): void {
    this.#sweep.start();
  }

  placed(service: string): void {
    this.#services.get(service.toLowerCase())?.firstPlacement.arrived();
  }

  placementKnown(services: readonly string[]): void {
    for (const name of services) this.#services.get(name.toLowerCase())?.firstPlacement.end();
  }

  configure(config: ProxyConfig, accessLog: boolean): void {
    const tls = this.#context.config.tls === null || config.tls === null ? null : readDownstreamTls(config.tls);
    this.#trusted = new TrustedPeers(config.trustedPeers);
    this.#context.config = config;
    this.#context.accessLog = accessLog;
    this.#context.baggage = config.baggage ? this.baggage : null;
    this.#context.requestFields = requestFieldTable(config, this.#context.chains !== null);
    for (const listener of this.#all()) listener.renew(tls);
  }

  renewTicketKeys(secret: Uint8Array): void {
    this.#context.ticketSecret = secret;
    for (const listener of this.#all()) listener.renewTicketKeys();
  }

  stats(): ProxyStats {
    const services = [...this.#services.values()];
    return {
      connections: this.#all().reduce((sum, listener) => sum + listener.connections.size, 0),
      inFlight: services.reduce((sum, { inFlight }) => sum + inFlight, 0),
      services: services.map(({ name, queued, upstreamConnections }) => ({
        service: name,
        queued,
        upstreamConnections,
      })),
    };
  }

  async drain({ succeeded } = { succeeded: false }): Promise<void> {
    this.#context.draining = true;
    await drain({
      listeners: this.#all(),
      drainMs: this.#context.config.drainMs,
      succeeded,
      nowMs: this.#context.nowMs,
      onLast: () => {
        this.#context.refusing = true;
      },
    });
    await this.close();
  }

  async close(): Promise<void> {
    this.#sweep.end();
    await Promise.all(this.#all().map((listener) => listener.close()));
    this.#listeners.clear();
    for (const service of this.#services.values()) service.retire();
  }

  #all(): Listener[] {
    return [...[...this.#listeners.values()].map(({ listener }) => listener), ...this.#leaving];
  }

  /** A service that is the same as before keeps its connections, unless its CA may have been renewed. */
  #setService({ config, router, awaited = false }: ProxyService): void {
    const known = this.#services.get(config.name.toLowerCase());
    if (known?.router === router && config.caFile === null && isDeepStrictEqual(known.config, config)) return;
    const { metrics, nowMs } = this.#context;
    const { onHealth } = this.#options;
    const failed = known?.failed ?? new Set();
    const options = { metrics, nowMs, onHealth, failed, awaited: awaited && known?.firstPlacement.expected !== false };
    const runtime = new ServiceRuntime(config, router, options);
    this.#services.set(config.name.toLowerCase(), runtime);
    known?.retire(runtime);
  }

  async #open(name: string, address: ListenAddress, fd?: number): Promise<void> {
    const { workers: loops } = this.#options.config;
    if (loops > 1 && fd === undefined && this.#options.joins !== true) await assertPortFree(name, address);
    const listener = new Listener({
      name,
      address,
      context: this.#context,
      dispatch: this.#dispatch,
      trusted: () => this.#trusted,
      service: name === SHARED ? () => null : () => this.#services.get(name.toLowerCase()) ?? null,
      loops,
    });
    const bound = await listener.listen(fd);
    this.#listeners.set(name, { listener, bound });
  }

  /** Ports of services that left or moved close once what they carry is over; new ones open. */
  async #moveListeners(): Promise<void> {
    for (const [name, { listener }] of this.#listeners) {
      const wanted = this.#services.get(name.toLowerCase())?.config.listen;
      if (name === SHARED || (wanted?.host === listener.address.host && wanted.port === listener.address.port))
        continue;
      this.#listeners.delete(name);
      this.#leaving.add(listener);
      void drainQuietly(listener, this.#context.nowMs).then(() => this.#leaving.delete(listener));
    }
    for (const { name, config } of this.#services.values()) {
      if (config.listen !== null && !this.#listeners.has(name)) await this.#open(name, config.listen);
    }
  }
}
