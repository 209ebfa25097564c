// The composition root: Config → wired parts. The parts never import one another; what flows between them flows here.
//
//   placement ──instances──▶ routers ◀──route, report── proxy
//       │ targets               ▲  │ what was learned
//       ▼                  rtts │  ▼
//     prober ───────────────────┘ store            admin reads all of them
//
// Long because: the composition root: the only place where all parts are seen together.

import { randomInt, randomUUID } from 'node:crypto';
import { type Admin, createAdmin } from '../admin/admin.ts';
import type { QedgeEvent } from '../admin/state/state.ts';
import type { Config, ListenAddress, PolicyConfig } from '../config/config.ts';
import { configNotes, descriptorLimit } from '../config/notes.ts';
import type { Clock } from '../core/clock.ts';
import { createRng, type Rng } from '../core/rng.ts';
import type { ServiceRouter } from '../core/service-router.ts';
import { NameResolver } from '../net/resolver.ts';
import { createPlacement, type Placement } from '../placement/placement.ts';
import { createEnvironmentWatch, type EnvironmentWatch } from '../probe/environment-watch.ts';
import { createProber, type Prober } from '../probe/prober.ts';
import { readTicketSecret, ticketSecretText } from '../proxy/downstream/ticket-keys.ts';
import type { BoundListener } from '../proxy/proxy.ts';
import { createNotifier, type Notifier } from '../systemd/notifier.ts';
import type { InheritedSockets } from '../systemd/sockets.ts';
import { EventLog } from '../telemetry/events.ts';
import { countDroppedLines, createProcessLog, type Logger, type LogLevel, type ProcessLog } from '../telemetry/log.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { DataPlanes } from './data-planes.ts';
import { InstanceTiers } from './instance-tiers.ts';
import { namesIn } from './names.ts';
import { brokerFacts, listenerFacts, probeFacts } from './node-facts.ts';
import { passableSockets } from './passable-sockets.ts';
import { ReloadRecord } from './reload-record.ts';
import type { App, AppOptions } from './running-app.ts';
import { WarmRestart } from './warm-restart.ts';
import { FailureLog } from './watch/failure-log.ts';
import { GoalWatch } from './watch/goal-watch.ts';
import { Housekeeping } from './watch/housekeeping.ts';
import { anonymousBytes, MemoryRelease, releaseMemory } from './watch/memory-release.ts';
import { troublesOf } from './watch/troubles.ts';

/**
 * Starts qedge: nothing is left running when it throws.
 *
 * @throws CommandError when a port or the store cannot be had
 */
export async function startApp(config: Config, options: AppOptions): Promise<App> {
  const app = new RunningApp(config, options);
  try {
    await app.start(options.sockets ?? new Map());
    return app;
  } catch (error) {
    await app.abandon();
    throw error;
  }
}

/** The routing core's time: monotonic, ms. */
const CLOCK: Clock = { nowMs: () => performance.now() };

/** What several parts are given. */
interface SharedParts {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly metrics: Metrics;
}

class RunningApp implements App {
  readonly log: Logger;
  readonly events = new EventLog<QedgeEvent>({ wallNowMs: () => Date.now() });
  readonly #options: AppOptions;
  readonly #lost = Promise.withResolvers<void>();
  readonly #log: ProcessLog;
  readonly #metrics = createMetrics();
  readonly #dataPlanes: DataPlanes;
  readonly #tiers: InstanceTiers;
  readonly #placement: Placement;
  readonly #prober: Prober;
  readonly #environment: EnvironmentWatch;
  readonly #admin: Admin;
  readonly #notifier: Notifier;
  readonly #housekeeping: Housekeeping;
  readonly #memory: MemoryRelease;
  readonly #reloads: ReloadRecord;
  readonly #names: NameResolver;
  /** Ends with the reload that was asked for last. */
  #reloading = Promise.resolve();
  readonly #kept: WarmRestart;
  #config: Config;
  #adminListener: ListenAddress;
  #inherited: InheritedSockets = new Map();
  #listening = false;
  #draining = false;

  constructor(config: Config, options: AppOptions) {
    const rng = createRng(options.seed ?? randomInt(2 ** 31));
    this.#log = options.log ?? createProcessLog({ ...config.log, nodeId: config.node.id });
    countDroppedLines(this.#log, this.#metrics);
    const log = this.#log.logger;
    const shared: SharedParts = { clock: CLOCK, rng, log, metrics: this.#metrics };
    this.#options = options;
    this.#config = config;
    this.#adminListener = config.admin.listen;
    this.log = log;
    this.#reloads = new ReloadRecord({
      started: config,
      log,
      metrics: this.#metrics,
      onEvent: (event) => this.#record(null, event),
    });
    this.#notifier = createNotifier({
      log,
      held: options.succeeds ?? false,
      // The watchdog means every event loop.
      alive: () => this.#dataPlanes.responsive,
    });
    this.#kept = new WarmRestart({
      config: config.store,
      log,
      metrics: this.#metrics,
      succeeds: options.succeeds ?? false,
      parts: () => ({
        dataPlanes: this.#dataPlanes,
        placement: this.#placement,
        prober: this.#prober,
      }),
      onHealth: ({ ok, reason }) => this.#record(null, { kind: 'store', ok, reason }),
    });
    const goals = new GoalWatch(log);
    this.#dataPlanes = this.#createDataPlanes(shared);
    this.#tiers = new InstanceTiers(config.node, (service, update) =>
      this.#dataPlanes.send({ kind: 'placement', service, update }),
    );
    this.#placement = this.#createPlacement(shared);
    this.#names = new NameResolver({
      onResolution: (name, resolution) => this.#dataPlanes.send({ kind: 'name', name, resolution }),
      onTrouble: (name, reason) => {
        if (reason === null) log.info({ name }, 'a name resolves again');
        else log.warn({ name, reason }, 'a name does not resolve');
      },
    });
    this.#prober = createProber({
      ...shared,
      config: config.probe,
      onRtt: (nodeId, rttMs) => {
        this.#dataPlanes.send({ kind: 'rtt', nodeId, rttMs });
        this.#placement.observeRtt(nodeId, rttMs);
      },
      onAnswer: (nodeId) => this.#placement.nodeAnswered(nodeId),
      onEnvironmentChange: (change) => log.info(change, 'distance of a node changed'),
    });
    this.#environment = createEnvironmentWatch({
      clock: CLOCK,
      onLoad: (load) => this.#placement.announceLoad(load),
    });
    this.#housekeeping = new Housekeeping({
      services: this.services,
      broker: () => this.#placement.state().broker,
      reloadProblems: () => this.#reloads.facts.problems,
      notifier: this.#notifier,
      clock: CLOCK,
      onStates: (states) => goals.look(states),
      onEvent: (event) => this.#record(null, event),
    });
    this.#memory = new MemoryRelease({ anonymousBytes, release: releaseMemory, log });
    this.#admin = this.#createAdmin();
  }

  #createDataPlanes(shared: SharedParts): DataPlanes {
    const { log } = shared;
    const failures = new FailureLog(log);
    return new DataPlanes({
      ...shared,
      config: this.#config,
      version: this.#options.version,
      tickets: readTicketSecret(this.#options.tickets ?? ''),
      onEvent: (service, event) => {
        failures.observe(service, event);
        this.#record(service, event);
      },
      onLoss: (message) => {
        log.error({ reason: message }, 'a worker is lost');
        this.#lost.resolve();
      },
      onLog: (lines) => {
        for (const line of lines) this.#log.write(line);
      },
    });
  }

  #createPlacement(shared: SharedParts): Placement {
    const { log } = shared;
    return createPlacement({
      ...shared,
      config: this.#config,
      boot: randomUUID(),
      ownListeners: () => [...this.proxyListeners, this.#adminListener],
      onUpdate: (service, update) => this.#tiers.placement(service, update),
      onNode: (event) => {
        log[event.kind === 'node-load' ? 'debug' : 'info'](event, 'node changed');
        if (event.kind === 'node-set') this.#tiers.node(event.node);
      },
      onKnown: () => this.#dataPlanes.send({ kind: 'placement-known' }),
      onTarget: (nodeId, target) => {
        this.#prober.setTarget(nodeId, target);
        if (target === null) this.#dataPlanes.send({ kind: 'node-gone', nodeId });
      },
      answeredMs: (service, key) => this.#dataPlanes.answeredMs(service, key),
    });
  }

  get lost(): Promise<void> {
    return this.#lost.promise;
  }

  get proxyListeners(): readonly BoundListener[] {
    return this.#dataPlanes.listeners;
  }

  get adminListener(): ListenAddress {
    return this.#adminListener;
  }

  get services(): ReadonlyMap<string, ServiceRouter> {
    return this.#dataPlanes.routers;
  }

  async start(sockets: InheritedSockets): Promise<void> {
    this.#inherited = sockets;
    this.#dataPlanes.spawn();
    this.#names.watch(namesIn(this.#config));
    const warm = await this.#kept.restore();
    await this.#dataPlanes.listen(sockets);
    this.#adminListener = await this.#admin.listen(sockets.get('admin')?.[0]);
    this.#listening = true;
    this.#placement.start();
    this.#prober.start();
    this.#environment.start();
    this.#kept.start();
    this.#housekeeping.start();
    this.#memory.start();
    const listeners = listenerFacts(this.proxyListeners, this.#adminListener);
    this.#record(null, { kind: 'lifecycle', phase: 'started', detail: this.#options.version });
    this.log.info({ version: this.#options.version, listeners, warm }, 'qedge started');
    for (const note of configNotes(this.#config, descriptorLimit()))
      this.log.warn({ note }, 'configuration may surprise');
    this.#notifier.ready(this.#housekeeping.statusLine());
  }

  reload(read: () => Config): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload(read));
    return this.#reloading;
  }

  async #reload(read: () => Config): Promise<void> {
    this.#notifier.reloading();
    try {
      const wanted = read();
      await this.#configure(wanted);
      this.#reloads.succeeded(wanted);
    } catch (error) {
      this.#reloads.refused(error);
    }
    this.#notifier.ready(this.#housekeeping.statusLine());
  }

  async #configure(wanted: Config): Promise<void> {
    // The name is on everything that was said and learned so far.
    const config = { ...wanted, node: { ...wanted.node, id: this.#config.node.id } };
    // First, since it is the one step that may refuse.
    await this.#dataPlanes.apply({ kind: 'configure', config });
    this.#config = config;
    this.log.level = config.log.level;
    this.#admin.setToken(config.admin.token);
    this.#names.watch(namesIn(config));
    this.#prober.configure(config.probe);
    this.#tiers.node(config.node);
    this.#placement.configure(config);
  }

  get tickets(): string {
    return ticketSecretText(this.#dataPlanes.tickets);
  }

  get sockets(): InheritedSockets | null {
    const proxy = this.proxyListeners.map(({ name }) => name);
    return passableSockets(this.#inherited, { proxy, admin: this.#config.admin.listen });
  }

  get store(): string | null {
    return this.#kept.path;
  }

  get heldByDisk(): boolean {
    return this.#kept.heldByDisk;
  }

  async cede(): Promise<void> {
    await this.#placement.stop({ succeeded: true });
    this.#environment.stop();
    await this.#kept.close();
  }

  takeCharge(): void {
    this.#notifier.release();
  }

  leaveCharge(pid: number): void {
    this.#notifier.succeededBy(pid);
  }

  async stop(options = { succeeded: false }): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    if (!options.succeeded) this.#notifier.stopping();
    this.#record(null, { kind: 'lifecycle', phase: 'draining', detail: '' });
    // Health is to be asked of the process that serves.
    const adminClosed = options.succeeded ? this.#admin.close() : null;
    await Promise.all([this.#dataPlanes.drain(options), this.#placement.stop(), adminClosed]);
    this.#names.stop();
    this.#prober.stop();
    this.#environment.stop();
    this.#housekeeping.stop();
    this.#memory.stop();
    await this.#kept.close();
    await this.#dataPlanes.close();
    await this.#admin.close();
    if (!options.succeeded) this.#notifier.close();
    this.log.info('qedge stopped');
    await this.#log.close();
  }

  /** Undoes a start that failed. */
  async abandon(): Promise<void> {
    this.#names.stop();
    this.#prober.stop();
    this.#environment.stop();
    this.#housekeeping.stop();
    this.#memory.stop();
    await Promise.all([this.#dataPlanes.close(), this.#placement.stop(), this.#admin.close(), this.#kept.close()]);
    this.#notifier.close();
    await this.#log.close();
  }

  #record(service: string | null, event: QedgeEvent): void {
    this.events.append(service, event, CLOCK.nowMs());
  }

  /** Until the next reload, which comes back to the file. */
  async #setPolicy(name: string, policy: PolicyConfig): Promise<void> {
    const services = this.#config.services.map((service) => (service.name === name ? { ...service, policy } : service));
    await this.#configure({ ...this.#config, services });
  }

  /** Here and in every worker, until the next reload. */
  async #setLogLevel(level: LogLevel): Promise<void> {
    this.log.level = level;
    this.#config = { ...this.#config, log: { ...this.#config.log, level } };
    await this.#dataPlanes.apply({ kind: 'configure', config: this.#config });
  }

  #createAdmin(): Admin {
    const { version, commit } = this.#options;
    return createAdmin({
      config: this.#config.admin,
      metrics: this.#metrics,
      log: this.log,
      events: this.events,
      clock: CLOCK,
      services: () => this.#dataPlanes.observed(),
      setPolicy: (name, policy) => this.#setPolicy(name, policy),
      setLogLevel: (level) => this.#setLogLevel(level),
      lifecycle: () => ({
        listening: this.#listening,
        absentWorkers: this.#dataPlanes.absent,
        placementSynced: this.#placement.state().broker?.synced ?? true,
        draining: this.#draining,
      }),
      node: () => ({
        ...this.#config.node,
        version,
        commit,
        listeners: listenerFacts(this.proxyListeners, this.#adminListener),
        configuration: this.#reloads.facts,
        broker: brokerFacts(this.#placement.state(), this.#housekeeping.brokerSinceMs),
        sources: this.#placement.state().sources,
        store: this.#kept.facts(),
        troubles: [
          ...troublesOf({
            names: this.#names.state(),
            broker: this.#placement.state().broker,
            sources: this.#placement.state().sources,
            instanceCounts: new Map([...this.services].map(([name, { candidates }]) => [name, candidates.length])),
          }),
          ...(this.#options.troubles?.() ?? []),
        ],
        probes: probeFacts(this.#prober.state(), this.#placement.state().nodes, this.#config.node),
      }),
    });
  }
}
