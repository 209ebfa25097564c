// The parts of a running qedge, made and connected. They never import one another; what flows between them flows here.
//
//   placement ──instances──▶ routers ◀──route, report── proxy
//       │ targets               ▲  │ what was learned
//       ▼                  rtts │  ▼
//     prober ───────────────────┘ store            admin reads all of them

import { randomInt, randomUUID } from 'node:crypto';
import { type Admin, createAdmin } from '../admin/admin.ts';
import type { QedgeEvent } from '../admin/state/state.ts';
import type { Config, ListenAddress, PolicyConfig } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import { createRng, type Rng } from '../core/rng.ts';
import { NameResolver } from '../net/resolver.ts';
import { createPlacement, type Placement } from '../placement/placement.ts';
import { createEnvironmentWatch, type EnvironmentWatch } from '../probe/environment-watch.ts';
import { createProber, type Prober } from '../probe/prober.ts';
import { readTicketSecret } from '../proxy/downstream/ticket-keys.ts';
import { createNotifier, type Notifier } from '../systemd/notifier.ts';
import { EventLog } from '../telemetry/events.ts';
import { countDroppedLines, createProcessLog, type Logger, type LogLevel, type ProcessLog } from '../telemetry/log.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { WallTime } from '../telemetry/wall-time.ts';
import { DataPlanes } from './data-planes.ts';
import { InstanceTiers } from './instance-tiers.ts';
import { NeighbourExchange } from './neighbour-exchange.ts';
import { type NodeReportParts, nodeReport } from './node-report.ts';
import { ReloadRecord } from './reload-record.ts';
import type { AppOptions } from './running-app.ts';
import { WarmRestart } from './warm-restart.ts';
import { FailureLog } from './watch/failure-log.ts';
import { GoalWatch } from './watch/goal-watch.ts';
import { Housekeeping } from './watch/housekeeping.ts';
import { IgnoredNeighbours } from './watch/ignored-neighbours.ts';
import { anonymousBytes, MemoryRelease, releaseMemory } from './watch/memory-release.ts';

/** The routing core's time: monotonic, ms. */
const CLOCK: Clock = { nowMs: () => performance.now() };

/** The wall clock was set by more than this: what it said before is read again. */
const WALL_STEP_MS = 1000;

/** What the admin port may have changed. */
export interface AppActions {
  readonly setPolicy: (service: string, policy: PolicyConfig) => Promise<void>;
  readonly setLogLevel: (level: LogLevel) => Promise<void>;
}

/** What several parts are given. */
interface SharedParts {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Made, connected, and not started. */
export class AppParts implements NodeReportParts {
  readonly options: AppOptions;
  readonly #wallTime = new WallTime({ stepMs: WALL_STEP_MS });
  /** A time of the clock as wall clock, ms since the epoch. */
  readonly wallMsOf = (clockMs: number): number => this.#wallTime.at(clockMs, CLOCK.nowMs());
  readonly events = new EventLog<QedgeEvent>({ wallMsOf: this.wallMsOf });
  readonly lost = Promise.withResolvers<void>();
  readonly processLog: ProcessLog;
  readonly log: Logger;
  readonly metrics = createMetrics();
  readonly dataPlanes: DataPlanes;
  readonly tiers: InstanceTiers;
  readonly placement: Placement;
  readonly prober: Prober;
  readonly neighbours: NeighbourExchange;
  readonly environment: EnvironmentWatch;
  readonly admin: Admin;
  readonly notifier: Notifier;
  readonly housekeeping: Housekeeping;
  readonly memory: MemoryRelease;
  readonly reloads: ReloadRecord;
  readonly names: NameResolver;
  readonly warmRestart: WarmRestart;
  /** In force now. */
  config: Config;
  /** As bound, once it is. */
  adminListener: ListenAddress;
  listening = false;
  draining = false;

  constructor(config: Config, options: AppOptions, actions: AppActions) {
    this.options = options;
    this.config = config;
    this.adminListener = config.admin.listen;
    this.processLog = options.log ?? createProcessLog({ ...config.log, nodeId: config.node.id });
    countDroppedLines(this.processLog, this.metrics);
    this.log = this.processLog.logger;
    const { log, metrics } = this;
    const rng = createRng(options.seed ?? randomInt(2 ** 31));
    const shared: SharedParts = { clock: CLOCK, rng, log, metrics };
    this.reloads = new ReloadRecord({
      ...{ started: config, log, metrics, clock: CLOCK, wallMsOf: this.wallMsOf },
      onEvent: (event) => this.record(null, event),
    });
    this.notifier = createNotifier({
      log,
      held: options.succeeds ?? false,
      // The watchdog covers every event loop.
      alive: () => this.dataPlanes.responsive,
    });
    this.warmRestart = this.#createWarmRestart();
    this.dataPlanes = this.#createDataPlanes(shared);
    this.tiers = new InstanceTiers(config.node, (service, update) =>
      this.dataPlanes.send({ kind: 'placement', service, update }),
    );
    this.placement = this.#createPlacement(shared);
    this.names = this.#createResolver();
    this.prober = this.#createProber(shared);
    this.neighbours = new NeighbourExchange({
      takeSummaries: () => this.dataPlanes.takeSummaries(),
      exchange: (summaries) => this.placement.exchange(summaries),
      say: (summaries) => this.placement.say(summaries),
    });
    this.environment = createEnvironmentWatch({
      clock: CLOCK,
      onLoad: (load) => this.placement.announceLoad(load),
    });
    this.housekeeping = this.#createHousekeeping();
    this.memory = new MemoryRelease({ anonymousBytes, release: releaseMemory, log });
    this.admin = this.#createAdmin(actions);
  }

  /** An event of a service, or of this node (null). */
  record(service: string | null, event: QedgeEvent): void {
    this.events.append(service, event, CLOCK.nowMs());
  }

  /** Stops the parts that look around by a timer. */
  stopWatching(): void {
    this.names.stop();
    this.prober.stop();
    this.neighbours.stop();
    this.environment.stop();
    this.housekeeping.stop();
    this.memory.stop();
  }

  #createWarmRestart(): WarmRestart {
    const { log, metrics, options } = this;
    return new WarmRestart({
      config: this.config.store,
      log,
      metrics,
      succeeds: options.succeeds ?? false,
      parts: () => ({ dataPlanes: this.dataPlanes, placement: this.placement, prober: this.prober }),
      onHealth: ({ ok, reason }) => this.record(null, { kind: 'store', ok, reason }),
    });
  }

  #createDataPlanes(shared: SharedParts): DataPlanes {
    const { log, options } = this;
    const failures = new FailureLog(log);
    const ignored = new IgnoredNeighbours();
    return new DataPlanes({
      ...shared,
      config: this.config,
      version: options.version,
      tickets: readTicketSecret(options.tickets ?? ''),
      onEvent: (service, event) => {
        failures.observe(service, event);
        if (ignored.isNews(service, event, CLOCK.nowMs())) this.record(service, event);
      },
      onRenewed: (service) => failures.forget(service),
      onLoss: (message) => {
        log.error({ reason: message }, 'worker was lost');
        this.lost.resolve();
      },
      onLog: (lines) => {
        for (const line of lines) this.processLog.write(line);
      },
    });
  }

  #createPlacement(shared: SharedParts): Placement {
    return createPlacement({
      ...shared,
      config: this.config,
      boot: randomUUID(),
      ownListeners: () => [...this.dataPlanes.listeners, this.adminListener],
      onUpdate: (service, update) => this.tiers.placement(service, update),
      onNode: (event) => {
        this.log[event.kind === 'node-load' ? 'debug' : 'info'](event, 'node changed');
        if (event.kind === 'node-set') this.tiers.node(event.node);
        // This node's own is configured.
        if (event.kind === 'node-removed' && event.nodeId !== this.config.node.id) {
          this.tiers.node({ id: event.nodeId, tier: null });
        }
      },
      onKnown: (services) => this.dataPlanes.send({ kind: 'placement-known', services }),
      onTarget: (nodeId, target) => {
        this.prober.setTarget(nodeId, target);
        if (target === null) this.dataPlanes.send({ kind: 'node-gone', nodeId });
      },
      onObservations: (nodeId, service, summary) =>
        this.dataPlanes.send({ kind: 'observations', nodeId, service, summary }),
      answeredMs: (service, key) => this.dataPlanes.answeredMs(service, key),
    });
  }

  #createResolver(): NameResolver {
    return new NameResolver({
      onResolution: (name, resolution) => this.dataPlanes.send({ kind: 'name', name, resolution }),
      onTrouble: (name, reason) => {
        if (reason === null) this.log.info({ name }, 'name resolves again');
        else this.log.warn({ name, reason }, 'name does not resolve');
      },
    });
  }

  #createProber(shared: SharedParts): Prober {
    return createProber({
      ...shared,
      config: this.config.probe,
      onRtt: (nodeId, rttMs) => {
        this.dataPlanes.send({ kind: 'rtt', nodeId, rttMs });
        this.placement.observeRtt(nodeId, rttMs);
      },
      onAnswer: (nodeId) => this.placement.nodeAnswered(nodeId),
      onClock: (nodeId, agrees) => this.dataPlanes.send({ kind: 'clock', nodeId, agrees }),
      onEnvironmentChange: (change) => this.log.info(change, 'distance of a node changed'),
    });
  }

  #createHousekeeping(): Housekeeping {
    const goals = new GoalWatch(
      this.log,
      (service) => this.config.services.find(({ name }) => name === service)?.objective.least ?? null,
    );
    return new Housekeeping({
      services: this.dataPlanes.routers,
      broker: () => this.placement.state().broker,
      reloadProblems: () => this.reloads.facts.problems,
      notifier: this.notifier,
      clock: CLOCK,
      log: this.log,
      onState: (state) => goals.look(state),
      onEvent: (event) => this.record(null, event),
    });
  }

  #createAdmin(actions: AppActions): Admin {
    return createAdmin({
      ...actions,
      config: this.config.admin,
      metrics: this.metrics,
      log: this.log,
      events: this.events,
      clock: CLOCK,
      wallMsOf: this.wallMsOf,
      services: () => this.dataPlanes.observed(),
      chains: () => this.dataPlanes.chains(CLOCK.nowMs()),
      lifecycle: () => ({
        listening: this.listening,
        absentWorkers: this.dataPlanes.absent,
        placementSynced: this.placement.state().broker?.synced ?? true,
        draining: this.draining,
      }),
      node: () => nodeReport(this),
    });
  }
}
