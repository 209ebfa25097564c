// All data planes of this node behind one interface: the main thread's own, and those of the workers where there are any. A
// message is applied by all of them, and they are read as one.

import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { ChainState } from '../core/chain/chain.ts';
import type { InstanceKey, RequestInfo } from '../core/domain.ts';
import { mergeInSpace, type Summary } from '../core/neighbours/summary.ts';
import { SharedFlights, sharedFlightsMemory } from '../core/router/shared-flights.ts';
import type {
  InstanceState,
  RoutePreview,
  RouterSnapshot,
  RouterState,
  RouterTap,
  ServiceOverview,
  ServiceRouter,
} from '../core/service-router.ts';
import type { TicketSecret } from '../proxy/downstream/ticket-keys.ts';
import type { BoundListener } from '../proxy/proxy.ts';
import { startThread } from '../sea.ts';
import type { InheritedSockets } from '../systemd/sockets.ts';
import type { Logger } from '../telemetry/log.ts';
import { playAttempts } from './data-plane/attempt-tap.ts';
import type { ControlMessage } from './data-plane/control-message.ts';
import { DataPlane, type DataPlaneOptions } from './data-plane/data-plane.ts';
import { PacedMessages } from './data-plane/paced-messages.ts';
import { type Answer, answerTo, mergeDensities, type PreviewAnswer, type WorkerQuery } from './data-plane/queries.ts';
import { provePorts } from './prove-start.ts';
import { TicketRotation } from './ticket-rotation.ts';
import { boundConfig } from './workers/bound-config.ts';
import { mergeChains } from './workers/merge-chains.ts';
import { mergeInstance, mergeOverviews } from './workers/merge-states.ts';
import { type Replacement, WorkerPool } from './workers/pool.ts';

/** A service as people see it: it shows the state of all data planes, and a change applies to all of them. */
export interface ObservedRouter
  extends Pick<ServiceRouter, 'service' | 'candidates' | 'state' | 'overview' | 'instances' | 'setTap' | 'reset'> {
  /** No new traffic for the instance, no matter what placement and health checks say, until that is taken back. */
  drain(key: InstanceKey, on: boolean): void;
  /** The mean of what the data planes estimate, each by its samples. */
  density(key: InstanceKey, gridMs: readonly number[], nowMs: number): Promise<number[] | null>;
  /** Where each data plane would send the request, the main thread's first. */
  previews(request: RequestInfo, nowMs: number): Promise<readonly RoutePreview[]>;
}

export interface DataPlanesOptions extends Omit<DataPlaneOptions, 'onHealth' | 'joins' | 'sharedFlights'> {
  /** The secret of the process before this one; null: it is drawn. */
  readonly tickets: TicketSecret | null;
  /** A worker is lost, and none takes its place. */
  readonly onLoss: (message: string) => void;
  /** The routers of a service were replaced or removed. */
  readonly onRenewed: (service: string) => void;
  /** Log lines of workers. */
  readonly onLog: (lines: readonly string[]) => void;
}

export class DataPlanes {
  readonly #started: Config;
  /** As reloaded. */
  #config: Config;
  readonly #version: string;
  readonly #log: Logger;
  readonly #onRenewed: (service: string) => void;
  readonly #own: DataPlane;
  readonly #workers: WorkerPool;
  readonly #paced = new PacedMessages((message) => {
    // What cannot be refused: a defect is logged and ends nothing.
    this.#applyNow(message).catch((error: Error) => this.#log.error({ err: error }, 'message not applied'));
  });
  readonly #tickets: TicketRotation;
  /** Taps of services that are being recorded. */
  readonly #taps = new Map<string, RouterTap>();

  constructor(options: DataPlanesOptions) {
    const { config, log, metrics, onEvent, onLoss, onLog } = options;
    this.#started = config;
    this.#config = config;
    this.#version = options.version;
    this.#log = log;
    this.#onRenewed = options.onRenewed;
    this.#tickets = new TicketRotation(options.tickets, options.clock, (secret) =>
      this.send({ kind: 'ticket-secret', secret }),
    );
    const { workers } = config.proxy;
    const flightsMemory = workers > 1 ? sharedFlightsMemory(workers, randomInt(1, 2 ** 31 - 1)) : null;
    this.#own = new DataPlane({
      ...options,
      sharedFlights: flightsMemory === null ? null : new SharedFlights(flightsMemory, 0),
      onHealth: (service, { key, healthy, reason }) => {
        log.info({ service, instance: key, healthy, reason }, 'health of an instance changed');
        this.send({ kind: 'health', service, key, healthy });
      },
    });
    this.#workers = new WorkerPool({
      log,
      metrics,
      flightsMemory,
      startThread: (name, data) =>
        startThread({ script: 'worker', source: join(import.meta.dirname, 'workers/worker.ts'), name, data }),
      onEvent,
      onLoss,
      onLog,
      replacement: () => this.#replacement(),
      onAttempts: (service, attempts) => {
        const tap = this.#taps.get(service);
        if (tap !== undefined) playAttempts(attempts, this.routers.get(service)?.candidates ?? [], tap);
      },
    });
  }

  /** The main thread's routers. */
  get routers(): ReadonlyMap<string, ServiceRouter> {
    return this.#own.routers;
  }

  get listeners(): readonly BoundListener[] {
    return this.#own.listeners;
  }

  /** Names of workers that do not serve now. */
  get absent(): readonly string[] {
    return this.#workers.absent;
  }

  /** False while an event loop hangs. */
  get responsive(): boolean {
    return this.#workers.responsive;
  }

  /** Starts the workers; they receive every message from here on. */
  spawn(): void {
    this.#workers.spawn(this.#config, this.#version);
    this.#tickets.start();
  }

  /** What TLS sessions are resumed by, for the process that comes next. */
  get tickets(): TicketSecret {
    return this.#tickets.current;
  }

  /** Opens all ports, of the workers too. Throws `CommandError` when one cannot be had. */
  async listen(sockets: InheritedSockets): Promise<void> {
    this.#paced.flush();
    const first = new Map([...sockets].flatMap(([name, [fd]]) => (fd === undefined ? [] : [[name, fd] as const])));
    const listeners = await this.#own.listen(first);
    await this.#workers.listen(listeners, sockets);
  }

  /** Rejects with `CommandError`, with nothing changed, when a file or a port that a new configuration names cannot be had. */
  apply(message: ControlMessage): Promise<void> {
    this.#paced.flush();
    return this.#applyNow(message);
  }

  /** The same for what cannot be refused, soon. */
  send(message: ControlMessage): void {
    this.#paced.send(message);
  }

  async #applyNow(message: ControlMessage): Promise<void> {
    if (message.kind === 'configure') return this.#configure(message);
    const applied = this.#own.apply(message);
    // At once, in the order in which it came.
    this.#workers.send(message);
    await applied;
  }

  /** The main thread goes first, since it may refuse. */
  async #configure(message: Extract<ControlMessage, { kind: 'configure' }>): Promise<void> {
    const before = [...this.routers];
    await provePorts(message.config, this.listeners);
    await this.#own.apply(message);
    this.#config = message.config;
    this.#workers.send(message);
    for (const [service, router] of before) if (this.routers.get(service) !== router) this.#renewed(service);
  }

  #renewed(service: string): void {
    this.#taps.get(service)?.ended();
    this.#onRenewed(service);
  }

  /** When an instance last answered a request, of any data plane; -Infinity when it never did. */
  answeredMs(service: string, key: InstanceKey): number {
    const own = this.routers.get(service)?.answeredMs(key) ?? Number.NEGATIVE_INFINITY;
    return Math.max(own, this.#workers.answeredMs(service, key));
  }

  /** What the main thread's data plane learned; after a restart all begin with that. */
  snapshots(): RouterSnapshot[] {
    return this.#own.snapshots();
  }

  /** The services as one picture of all data planes. */
  observed(): ReadonlyMap<string, ObservedRouter> {
    return new Map([...this.routers].map(([name, router]) => [name, this.#observe(router)]));
  }

  /** How the chains fare, over all data planes. */
  chains(nowMs: number): ChainState[] {
    return this.#own.chainStates(nowMs).map((own) => mergeChains([own, ...this.#workers.statesOfChain(own.chain)]));
  }

  /** What all data planes saw of each service since this was asked last. */
  takeSummaries(): ReadonlyMap<string, Summary> {
    const summaries = new Map(this.#own.takeSummaries());
    for (const [service, summary] of this.#workers.takeSummaries().flatMap((one) => [...one])) {
      const others = summaries.get(service);
      summaries.set(service, others === undefined ? summary : mergeInSpace(others, summary));
    }
    return summaries;
  }

  /** `succeeded`: another process accepts meanwhile. */
  async drain(options: { readonly succeeded: boolean }): Promise<void> {
    await Promise.all([this.#own.drain(options), this.#workers.drain(options)]);
  }

  async close(): Promise<void> {
    this.#tickets.stop();
    await Promise.all([this.#own.close(), this.#workers.close()]);
  }

  #replacement(): Replacement {
    const taps = [...this.#taps.keys()].map((service) => ({ kind: 'tap', service, on: true }) as const);
    return {
      config: boundConfig(this.#started, this.#config),
      messages: [{ kind: 'ticket-secret', secret: this.tickets.secret }, ...this.#own.catchUpMessages(), ...taps],
      listeners: this.listeners,
    };
  }

  #observe(router: ServiceRouter): ObservedRouter {
    const { service } = router;
    const workers = this.#workers;
    const own = (query: WorkerQuery, nowMs: number): Answer[] => {
      const answer = answerTo(query, this.routers, nowMs);
      return answer === null ? [] : [answer];
    };
    const ask = async (query: WorkerQuery, nowMs: number): Promise<Answer[]> => [
      ...own(query, nowMs),
      ...(await workers.ask(query)),
    ];
    const overview = (nowMs: number): ServiceOverview =>
      mergeOverviews([router.overview(nowMs), ...workers.overviewsOf(service)]);
    // Those that the main thread knows.
    const instances = function* (nowMs: number): Iterable<InstanceState> {
      for (const own of router.instances(nowMs)) yield mergeInstance([own, ...workers.instancesOf(service, own.key)]);
    };
    return {
      service,
      candidates: router.candidates,
      state: (nowMs): RouterState => ({ ...overview(nowMs), instances: [...instances(nowMs)] }),
      overview,
      instances,
      density: async (key, gridMs, nowMs) => {
        const answers = await ask({ about: 'density', service, key, gridMs }, nowMs);
        return mergeDensities(answers.filter((answer) => answer.about === 'density'));
      },
      previews: async (request, nowMs) => {
        const answers = await ask({ about: 'preview', service, request }, nowMs);
        return answers.flatMap((answer) => (answer.about === 'preview' ? [previewOf(answer, router)] : []));
      },
      setTap: (tap) => this.#setTap(router, tap),
      reset: () => this.send({ kind: 'reset', service }),
      drain: (key, on) => this.send({ kind: 'drain-instance', service, key, on }),
    };
  }

  #setTap(router: ServiceRouter, tap: RouterTap | null): void {
    const { service } = router;
    if (tap === null) this.#taps.delete(service);
    else this.#taps.set(service, tap);
    router.setTap(tap);
    this.#workers.send({ kind: 'tap', service, on: tap !== null });
  }
}

/** Placement is the same for all data planes, a message apart. */
function previewOf({ key, tier, byChance }: PreviewAnswer, { candidates }: ServiceRouter): RoutePreview {
  return { candidate: candidates.find((one) => one.key === key) ?? null, tier, byChance };
}
