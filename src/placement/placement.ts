// Placement as a whole: where instances of the configured services run, from the config, from this node's own announcer
// and from the broker, as one stream of changes.
//
//   static instances ─┐
//   [[announce]]     ─┼→ cache → onUpdate(service, …)   a router's applyPlacement
//   native topics    ─┤        → onNode(…)              nodes that come, are lost, are gone
//   informer topics  ─┤        → onTarget(node, …)      the prober's setTarget
//   source/          ─┘
//
// `observeRtt` closes the circle: how near nodes are decides which of them are listened to.

import type { Config, ListenAddress, ServiceConfig } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { DeviceLoad, Instance, InstanceKey, Node, PlacementUpdate } from '../core/domain.ts';
import type { NeighbourhoodState } from '../core/neighbours/neighbourhood-state.ts';
import type { Summary } from '../core/neighbours/summary.ts';
import type { Rng } from '../core/rng.ts';
import { DueTimer } from '../net/due-timer.ts';
import type { ProbeTarget } from '../net/endpoint.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type Acceptance, createAcceptance } from './acceptance.ts';
import type { BrokerSessionState } from './broker/session.ts';
import type { PlacementCacheExport } from './cache/export.ts';
import { type InstanceView, PlacementCache } from './cache/placement-cache.ts';
import { isDiscovered, type KeptSource } from './cache/records.ts';
import type { NodeEvent } from './cache/report.ts';
import { FirstKnowledge } from './first-knowledge.ts';
import { BadMessage } from './messages/bad-message.ts';
import { Rejections } from './messages/rejections.ts';
import { instanceTopic } from './messages/topics.ts';
import { Participation } from './participation.ts';
import { brokerCounters, registerPlacementMetrics } from './placement-metrics.ts';
import type { SourceState } from './source/configured-source.ts';
import { Sources } from './source/sources.ts';
import { claimStatic } from './static-instances.ts';

export interface PlacementOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** A name of this process's life, announced with the node: a new one at each start. */
  readonly boot: string;
  /** Everything this process listens on, as bound: never accepted as an instance. The first is where it is probed. */
  readonly ownListeners: () => readonly ListenAddress[];
  /** A change of the placement of a configured service, in order. */
  readonly onUpdate: (service: string, update: PlacementUpdate) => void;
  readonly onNode: (event: NodeEvent) => void;
  /** Called after a start or a change, once all that is retained of these was heard or `placement.wait` is over. */
  readonly onKnown: (services: readonly string[]) => void;
  /** What a neighbour saw of a service's instances. */
  readonly onObservations: (nodeId: string, service: string, summary: Summary) => void;
  /** Where a node's distance is to be measured from now on; null: nowhere any more. */
  readonly onTarget: (nodeId: string, target: ProbeTarget | null) => void;
  /** When an instance last answered a request, by `clock`; -Infinity when it never did. Absent: no request is made. */
  readonly answeredMs?: (service: string, key: InstanceKey) => number;
}

/** The state of the connection to the broker and of what came over it. */
export interface PlacementState {
  /** Null without `[mqtt]`. */
  readonly broker: BrokerSessionState | null;
  readonly nodes: readonly { readonly node: Node; readonly lost: boolean }[];
  readonly instances: readonly InstanceView[];
  /** Messages refused since the start. */
  readonly rejected: number;
  /** Sources beside the broker that the configuration asks for. */
  readonly sources: readonly SourceState[];
  /** Null where summaries are neither sent nor used. */
  readonly neighbourhood: NeighbourhoodState | null;
}

/** Where instances run, from every source, and what this node announces. */
export interface Placement {
  /** Reports the static instances now instead of at the start; after `import`. */
  reportStatic(): void;
  /** Reports the static instances at once, then connects; never waits for a broker. */
  start(): void;
  /** Takes back what was announced, unless another process goes on with it, and leaves the broker; some two seconds at most. */
  stop(options?: { readonly succeeded: boolean }): Promise<void>;
  /** A reloaded configuration. The connection is kept unless what concerns it changed. */
  configure(config: Config): void;
  /** The RTT of a node was measured, or restored, ms. */
  observeRtt(nodeId: string, rttMs: number): void;
  /** The node answered a probe just now: it is alive, no matter what the broker says. */
  nodeAnswered(nodeId: string): void;
  /** How hard pressed this node is, announced with it. */
  announceLoad(load: DeviceLoad): void;
  /** Says what was seen of each service here, and listens to the nodes that are near now. */
  exchange(summaries: ReadonlyMap<string, Summary>): void;
  /** Says what was seen; the same nodes are listened to as before. */
  say(summaries: ReadonlyMap<string, Summary>): void;
  state(): PlacementState;
  /** What is known from the broker, as plain JSON. */
  export(): PlacementCacheExport;
  /** Takes back an export that is `ageMs` old; before `start`, so that the snapshot of the first connection corrects it. */
  import(saved: PlacementCacheExport, ageMs: number): void;
}

/** Starts nothing; `start` does. */
export function createPlacement(options: PlacementOptions): Placement {
  return new CachedPlacement(options);
}

class CachedPlacement implements Placement {
  readonly #options: PlacementOptions;
  readonly #cache: PlacementCache;
  readonly #rejections: Rejections;
  readonly #rttsMs = new Map<string, number>();
  readonly #participation: Participation;
  readonly #sources: Sources;
  /** Ends grace periods when they are over. */
  readonly #timer: DueTimer;
  readonly #firstKnowledge: FirstKnowledge;
  #config: Config;
  #acceptance: Acceptance;

  constructor(options: PlacementOptions) {
    const { config, clock, log, metrics } = options;
    this.#options = options;
    this.#config = config;
    this.#acceptance = createAcceptance(config, options.ownListeners);
    this.#rejections = new Rejections({ clock, log, metrics });
    this.#cache = new PlacementCache({
      nodeId: config.node.id,
      nodeGraceMs: config.placement.nodeGraceMs,
      instancesMax: config.placement.instancesMax,
      onUpdate: options.onUpdate,
      onNode: (event) => this.#nodeChanged(event),
      onTarget: (nodeId, target) => this.#retarget(nodeId, target),
      ...(options.answeredMs === undefined ? {} : { answeredMs: options.answeredMs }),
    });
    const { presence } = this.#cache;
    if (config.mqtt !== null) presence.brokerAway(clock.nowMs());
    const onDue = (): void => presence.tick(clock.nowMs());
    this.#timer = new DueTimer({ clock, nextMs: () => presence.nextTickMs, onDue });
    this.#firstKnowledge = new FirstKnowledge(options.onKnown);
    const shared = {
      ...options,
      cache: this.#cache,
      rejections: this.#rejections,
      rttMs: (nodeId: string) => this.#rttsMs.get(nodeId),
      onChange: () => this.#timer.aim(),
    };
    this.#sources = new Sources({ ...shared, onReported: () => this.#heard() });
    this.#participation = new Participation(
      {
        ...shared,
        counters: brokerCounters(metrics),
        onSynced: () => this.#heard(),
        onOffer: () => this.#offer(),
      },
      config,
      this.#acceptance,
    );
    registerPlacementMetrics(metrics, () => this.state());
  }

  reportStatic(): void {
    this.#claimStatic([], this.#config);
  }

  start(): void {
    // Only now is it known where this process listens.
    this.#review();
    this.reportStatic();
    this.#participation.start(this.#acceptance);
    this.#firstKnowledge.wait(this.#config);
    this.#sources.configure(this.#config, this.#acceptance);
    this.#timer.start();
  }

  async stop({ succeeded } = { succeeded: false }): Promise<void> {
    this.#timer.stop();
    // Nothing more will be heard here.
    this.#firstKnowledge.end();
    await Promise.all([this.#participation.stop(succeeded), this.#sources.stop(succeeded)]);
  }

  configure(config: Config): void {
    const before = this.#config;
    this.#config = config;
    this.#acceptance = createAcceptance(config, this.#options.ownListeners);
    this.#cache.configure(config.placement);
    for (const { name } of before.services) {
      if (!config.services.some((service) => service.name === name)) this.#cache.claims.forgetService(name);
    }
    this.#review();
    this.#claimStatic(before.services, config);
    this.#firstKnowledge.wait(config);
    this.#sources.configure(config, this.#acceptance);
    this.#participation.configure(config, this.#acceptance);
  }

  observeRtt(nodeId: string, rttMs: number): void {
    this.#rttsMs.set(nodeId, rttMs);
    this.#participation.observeRtt(nodeId, rttMs);
    this.#sources.observeRtt(nodeId, rttMs);
  }

  nodeAnswered(nodeId: string): void {
    this.#cache.presence.nodeAnswered(nodeId, this.#options.clock.nowMs());
    this.#timer.aim();
  }

  announceLoad(load: DeviceLoad): void {
    this.#participation.announceLoad(load);
  }

  exchange(summaries: ReadonlyMap<string, Summary>): void {
    this.#participation.exchange(summaries);
  }

  say(summaries: ReadonlyMap<string, Summary>): void {
    this.#participation.say(summaries);
  }

  state(): PlacementState {
    const [cache, participation] = [this.#cache, this.#participation];
    // The lists are made when they are asked for: most callers want to know of the broker alone.
    return {
      broker: participation.broker,
      get nodes() {
        return cache.nodes();
      },
      get instances() {
        return cache.instances();
      },
      rejected: this.#rejections.total,
      sources: this.#sources.states(),
      get neighbourhood() {
        return participation.neighbourhood;
      },
    };
  }

  export(): PlacementCacheExport {
    return this.#cache.export(this.#options.clock.nowMs());
  }

  import(saved: PlacementCacheExport, ageMs: number): void {
    const instances = saved.instances.filter(({ source, instance }) => this.#isAsked(source) && this.#admits(instance));
    const nodes = saved.nodes.map((one) => ({ ...one, node: this.#acceptance.ofNode(one.node) }));
    this.#cache.import({ ...saved, nodes, instances }, { ageMs, nowMs: this.#options.clock.nowMs() });
  }

  /** Whether the source is one that the configuration still asks. */
  #isAsked(source: KeptSource): boolean {
    return !isDiscovered(source) || this.#config.placement[source] !== null;
  }

  /** What is known from elsewhere is held to the configuration as it is now. */
  #review(): void {
    const ofNode = (node: Node): Node => this.#acceptance.ofNode(node);
    this.#cache.review({ admits: (instance) => this.#admits(instance), ofNode }, this.#options.clock.nowMs());
  }

  #admits(instance: Instance): boolean {
    const refusal = this.#acceptance.refusal(instance);
    if (refusal === null) return true;
    const topic = instanceTopic('known', instance);
    this.#rejections.add(topic, new BadMessage('address', refusal));
    return false;
  }

  #claimStatic(before: readonly ServiceConfig[], { services: after }: Config): void {
    claimStatic(this.#cache.claims, { before, after }, this.#options.clock.nowMs());
  }

  /** Own instances that others may hear of, over sources in which nodes speak to each other. */
  #offer(): void {
    const { tier } = this.#config.node;
    const fit = this.#participation.fit.filter(({ host }) => this.#acceptance.mayPublish(host));
    // No message of the node goes with them, so they say its tier themselves.
    this.#sources.offer(tier === null ? fit : fit.map((one) => ({ ...one, labels: { tier, ...one.labels } })));
  }

  /** The broker, or a source beside it, has said what it knows. */
  #heard(): void {
    const { mqtt, announce } = this.#config;
    const synced = mqtt === null ? announce.length === 0 : this.#participation.broker?.synced === true;
    if (synced && this.#sources.allReported) this.#firstKnowledge.end();
  }

  #nodeChanged(event: NodeEvent): void {
    this.#participation.nodeChanged(event);
    this.#options.onNode(event);
  }

  #retarget(nodeId: string, target: ProbeTarget | null): void {
    if (target === null) {
      this.#rttsMs.delete(nodeId);
      this.#sources.forget(nodeId);
    }
    this.#options.onTarget(nodeId, target);
  }
}
