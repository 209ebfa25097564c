// One data plane: an event loop with routers of its own and the ports through which requests reach them. With `proxy.workers`
// there are several, each deciding for itself.

import type { Config } from '../../config/config.ts';
import { assertNever } from '../../core/assert.ts';
import type { ChainState } from '../../core/chain/chain.ts';
import type { Clock } from '../../core/clock.ts';
import type { Summary } from '../../core/neighbours/summary.ts';
import type { Rng } from '../../core/rng.ts';
import type { SharedFlights } from '../../core/router/shared-flights.ts';
import type { RouterEvent, RouterSnapshot, ServiceRouter } from '../../core/service-router.ts';
import { addressBook } from '../../net/address-book.ts';
import { DISCOVERED } from '../../placement/cache/records.ts';
import type { OnHealth } from '../../proxy/health.ts';
import { proveTls } from '../../proxy/prove-tls.ts';
import { type BoundListener, createProxy, type Proxy as HttpProxy, type ProxyService } from '../../proxy/proxy.ts';
import { registerActiveResources } from '../../telemetry/active-resources.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { startTraces, type Traces } from '../../telemetry/traces/traces.ts';
import { ChainSet } from './chain-set.ts';
import type { ControlMessage } from './control-message.ts';
import { RouterSet } from './router-set.ts';

/** What a data plane is made of. */
export interface DataPlaneOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The version of qedge. */
  readonly version: string;
  readonly onEvent: (service: string, event: RouterEvent) => void;
  /** What the other event loops have in flight; null: there is none. */
  readonly sharedFlights: SharedFlights | null;
  /** Called when a health check changes its verdict; null: another data plane makes the checks. */
  readonly onHealth: OnHealth | null;
  /** True: another data plane already listens on these ports. */
  readonly joins?: boolean;
  /** After `look` returned true: a request came, or other routers did. */
  readonly onWake?: () => void;
}

/** One event loop's routers and ports. */
export class DataPlane {
  readonly #clock: Clock;
  readonly #set: RouterSet;
  readonly #chains: ChainSet;
  readonly #proxy: HttpProxy;
  readonly #traces: Traces | null;
  #placementKnown: readonly string[] | null = null;

  constructor(options: DataPlaneOptions) {
    const { config } = options;
    this.#clock = options.clock;
    registerActiveResources(options.metrics);
    const onWake = (): void => {
      this.#proxy.wake();
      options.onWake?.();
    };
    this.#set = new RouterSet({ ...options, onWake });
    this.#chains = new ChainSet(config);
    const traceOptions = { ...options, nodeId: config.node.id };
    this.#traces = config.traces === null ? null : startTraces({ ...traceOptions, config: config.traces });
    this.#proxy = createProxy({
      ...options,
      tracer: this.#traces?.tracer ?? null,
      nodeId: config.node.id,
      config: config.proxy,
      services: this.#services(config),
      chains: this.#chains.chains,
      accessLog: config.log.access,
      rests: () => this.look(),
    });
  }

  /** Service name → router; one object for the life of the data plane. */
  get routers(): ReadonlyMap<string, ServiceRouter> {
    return this.#set.routers;
  }

  /** Whether nothing was asked for of late and nothing is in flight; if so, its state is up to date. It holds until `onWake`. */
  look(): boolean {
    return this.#set.look();
  }

  get listeners(): readonly BoundListener[] {
    return this.#proxy.listeners;
  }

  /** `sockets`: inherited ones by the name of the listener. `shared`: where the first data plane listens. */
  listen(
    sockets: ReadonlyMap<string, number>,
    shared: readonly BoundListener[] = [],
  ): Promise<readonly BoundListener[]> {
    return this.#proxy.listen(sockets, shared);
  }

  /** Rejects with `CommandError`, with nothing changed, when a file that a new configuration names cannot be used. */
  async apply(message: ControlMessage): Promise<void> {
    switch (message.kind) {
      case 'start':
        this.#set.restore(message.learned, message.ageMs);
        this.#chains.restore(message.learned, message.ageMs, this.#clock.nowMs());
        this.#set.start();
        return;
      case 'placement':
        this.#set.applyPlacement(message.service, message.update);
        if (message.update.kind === 'instance-set') this.#proxy.placed(message.service);
        return;
      case 'placement-known':
        this.#placementKnown = message.services;
        this.#proxy.placementKnown(message.services);
        return;
      case 'rtt':
        this.#set.observeRtt(message.nodeId, message.rttMs);
        return;
      case 'clock':
        this.#proxy.baggage.setAgreement(message.nodeId, message.agrees);
        return;
      case 'observations':
        this.#set.hear(message.service, message.nodeId, message.summary);
        return;
      case 'node-gone':
        this.#set.forgetNode(message.nodeId);
        this.#proxy.baggage.setAgreement(message.nodeId, false);
        return;
      case 'name':
        addressBook.set(message.name, message.resolution);
        this.#set.observeName(message.name, message.resolution === null || message.resolution.kind === 'known');
        return;
      case 'health':
        this.#set.observeHealth(message.service, message.key, message.healthy);
        return;
      case 'drain-instance':
        this.#set.drain(message.service, message.key, message.on);
        return;
      case 'reset':
        this.routers.get(message.service)?.reset(this.#clock.nowMs());
        return;
      case 'ticket-secret':
        this.#proxy.renewTicketKeys(message.secret);
        return;
      case 'configure':
        await this.#configure(message.config);
        return;
      default:
        assertNever(message);
    }
  }

  /** The messages that bring a new data plane to the state of this one. */
  catchUpMessages(): ControlMessage[] {
    const names = addressBook.entries().map(([name, resolution]) => ({ kind: 'name', name, resolution }) as const);
    const clocks = this.#proxy.baggage.agreeing.map((nodeId) => ({ kind: 'clock', nodeId, agrees: true }) as const);
    return [
      ...names,
      ...clocks,
      ...this.#set.catchUpMessages(),
      { kind: 'start', learned: this.snapshots(), ageMs: 0 },
      ...(this.#placementKnown === null ? [] : [{ kind: 'placement-known', services: this.#placementKnown } as const]),
    ];
  }

  async #configure(config: Config): Promise<void> {
    proveTls(config);
    this.#proxy.configure(config.proxy, config.log.access);
    this.#set.reload(config);
    this.#chains.reload(config);
    this.#proxy.setChains(this.#chains.chains);
    await this.#proxy.applyServices(this.#services(config));
  }

  snapshots(): RouterSnapshot[] {
    const nowMs = this.#clock.nowMs();
    return [...this.routers.values()].map((router) => this.#chains.added(router.snapshot(nowMs), nowMs));
  }

  /** The state of each chain; empty where there are none. */
  chainStates(nowMs: number): ChainState[] {
    return this.#chains.states(nowMs);
  }

  /** What was seen of each service since it was asked last, for neighbours. */
  takeSummaries(): [service: string, summary: Summary][] {
    const nowMs = this.#clock.nowMs();
    return [...this.routers.values()].flatMap(({ service, neighbours }) => {
      const summary = neighbours?.summarize(nowMs) ?? null;
      return summary === null ? [] : [[service, summary]];
    });
  }

  /** Finishes what is in flight; keeps routing until then. */
  async drain(options: { readonly succeeded: boolean }): Promise<void> {
    await this.#proxy.drain(options);
    await this.#traces?.stop();
  }

  async close(): Promise<void> {
    this.#set.stop();
    await this.#proxy.close();
  }

  #services(config: Config): ProxyService[] {
    const { mqtt, announce, placement } = config;
    const hears = mqtt !== null || DISCOVERED.some((source) => placement[source] !== null);
    const isAwaited = (name: string): boolean =>
      placement.waitMs > 0 && (hears || announce.some(({ service }) => service === name));
    return config.services.flatMap((service) => {
      const router = this.routers.get(service.name);
      return router === undefined ? [] : [{ config: service, router, awaited: isAwaited(service.name) }];
    });
  }
}
