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
//
// Long because: every source of instances meets here, and each has its start, reload and stop.

import { isDeepStrictEqual } from 'node:util';
import type { Config, ListenAddress, MqttConfig, ServiceConfig, StaticInstanceConfig } from '../config/config.ts';
import { isLoopback } from '../config/loopback.ts';
import type { Clock } from '../core/clock.ts';
import type { DeviceLoad, Instance, InstanceKey, Node, PlacementUpdate } from '../core/domain.ts';
import type { Rng } from '../core/rng.ts';
import type { ProbeTarget } from '../net/endpoint.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type Acceptance, createAcceptance, matches } from './acceptance.ts';
import type { Announcer } from './announcer.ts';
import { BrokerSession, type BrokerSessionOptions, type BrokerSessionState } from './broker/session.ts';
import type { PlacementCacheExport } from './cache/export.ts';
import { type InstanceView, PlacementCache } from './cache/placement-cache.ts';
import { isDiscovered, type Kept } from './cache/records.ts';
import type { NodeEvent } from './cache/report.ts';
import { BadMessage } from './messages/bad-message.ts';
import { Rejections } from './messages/rejections.ts';
import { instanceTopic } from './messages/topics.ts';
import { announcesNode, OwnInstances } from './own-instances.ts';
import type { SourceState } from './source/configured-source.ts';
import { Sources, wantedSources } from './source/sources.ts';

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
  /** After a start or a change: all that is retained was heard, or `placement.wait` is over. */
  readonly onKnown: () => void;
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
}

/** Where instances run, from every source, and what this node announces. */
export interface Placement {
  /** Reports the static instances now instead of at the start; after `import`. */
  reportStatic(): void;
  /** Reports the static instances at once, then connects; never waits for a broker. */
  start(): void;
  /**
   * Takes back what was announced, unless another process of this node goes on with it, and says goodbye to the broker; at
   * most about two seconds.
   */
  stop(options?: { readonly succeeded: boolean }): Promise<void>;
  /** A reloaded configuration. The connection is kept unless what concerns it changed. */
  configure(config: Config): void;
  /** The RTT of a node was measured, or restored, ms. */
  observeRtt(nodeId: string, rttMs: number): void;
  /** The node answered a probe just now: it is alive, no matter what the broker says. */
  nodeAnswered(nodeId: string): void;
  /** How hard pressed this node is, announced with it. */
  announceLoad(load: DeviceLoad): void;
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
  readonly #counters: BrokerSessionOptions['counters'];
  readonly #rttsMs = new Map<string, number>();
  readonly #own: OwnInstances;
  readonly #sources: Sources;
  #config: Config;
  #acceptance: Acceptance;
  /** What announcer and session are made of. */
  #begun: Config;
  #changing: Promise<void> = Promise.resolve();
  #announcer: Announcer | null = null;
  #session: BrokerSession | null = null;
  #load: DeviceLoad | null = null;
  /** Runs while the first placement is waited for. */
  #waitTimer: NodeJS.Timeout | null = null;
  #tickTimer: NodeJS.Timeout | null = null;
  #tickAtMs = Number.POSITIVE_INFINITY;

  constructor(options: PlacementOptions) {
    const { config, clock, log, metrics } = options;
    this.#options = options;
    this.#config = config;
    this.#begun = config;
    this.#acceptance = createAcceptance(config, options.ownListeners);
    this.#rejections = new Rejections({ clock, log, metrics });
    this.#counters = brokerCounters(metrics);
    this.#cache = new PlacementCache({
      nodeId: config.node.id,
      nodeGraceMs: config.placement.nodeGraceMs,
      instancesMax: config.placement.instancesMax,
      onUpdate: options.onUpdate,
      onNode: (event) => this.#nodeChanged(event),
      onTarget: (nodeId, target) => this.#retarget(nodeId, target),
      ...(options.answeredMs === undefined ? {} : { answeredMs: options.answeredMs }),
    });
    if (config.mqtt !== null) this.#cache.presence.brokerAway(clock.nowMs());
    this.#own = new OwnInstances({
      ...options,
      cache: this.#cache,
      probePort: () => this.#probePort(),
      onOffer: () => this.#offer(),
      onChange: () => this.#tickLater(),
    });
    this.#sources = new Sources({
      ...options,
      cache: this.#cache,
      rejections: this.#rejections,
      rttMs: (nodeId) => this.#rttsMs.get(nodeId),
      onChange: () => this.#tickLater(),
      onReported: () => this.#heard(),
    });
    this.#gauge(metrics);
  }

  reportStatic(): void {
    this.#setStatic([], this.#config.services);
  }

  start(): void {
    // Only now is it known where this process listens.
    this.#review();
    this.reportStatic();
    this.#begin(this.#config, []);
    this.#await();
    this.#sources.configure(this.#config, this.#acceptance);
    this.#tickLater();
  }

  async stop({ succeeded } = { succeeded: false }): Promise<void> {
    if (this.#tickTimer !== null) clearTimeout(this.#tickTimer);
    // Nothing more will be heard here.
    this.#known();
    await this.#changing;
    const announcer = this.#announcer;
    this.#announcer = null;
    announcer?.stop();
    await this.#sources.stop(succeeded);
    await this.#session?.stop(succeeded ? { node: true, instances: announcer?.fit ?? [] } : undefined);
    this.#session = null;
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
    this.#setStatic(before.services, config.services);
    this.#await();
    this.#sources.configure(config, this.#acceptance);
    // One change after the other: two sessions of one client id would push each other off the broker.
    this.#changing = this.#changing.then(() => this.#beginAnew());
  }

  /** What is announced before and after is never taken back: others would forget what they learned of it. */
  async #beginAnew(): Promise<void> {
    const [config, before] = [this.#config, this.#begun];
    const [announcer, session] = [this.#announcer, this.#session];
    if (announcer === null || isDeepStrictEqual(concerns(before), concerns(config))) return;
    announcer.stop();
    const fit = announcer.fitFor(config.announce);
    const sameBroker = isDeepStrictEqual(before.mqtt, config.mqtt);
    this.#session = null;
    await session?.stop(sameBroker ? { node: announcesNode(config), instances: fit } : undefined);
    this.#begin(config, fit);
  }

  observeRtt(nodeId: string, rttMs: number): void {
    this.#rttsMs.set(nodeId, rttMs);
    this.#session?.observeRtt(nodeId, rttMs);
    this.#sources.observeRtt(nodeId, rttMs);
  }

  nodeAnswered(nodeId: string): void {
    this.#cache.presence.nodeAnswered(nodeId, this.#options.clock.nowMs());
    this.#tickLater();
  }

  announceLoad(load: DeviceLoad): void {
    this.#load = load;
    void this.#announcer?.announceLoad(load);
  }

  state(): PlacementState {
    const cache = this.#cache;
    // The lists are made when they are asked for: most callers want to know of the broker alone.
    return {
      broker: this.#session?.state() ?? null,
      get nodes() {
        return cache.nodes();
      },
      get instances() {
        return cache.instances();
      },
      rejected: this.#rejections.total,
      sources: this.#sources.states(),
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
  #isAsked(source: Kept): boolean {
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

  /** `fit`: own instances that are known to be. */
  #begin(config: Config, fit: readonly Instance[]): void {
    let session: BrokerSession | null = null;
    const publish = (topic: string, payload: string): Promise<boolean> =>
      session?.publish(topic, payload) ?? Promise.resolve(false);
    const announcer = this.#own.offer({ config, acceptance: this.#acceptance, fit, load: this.#load, publish });
    session = config.mqtt === null ? null : this.#createSession(config, config.mqtt, announcer);
    this.#begun = config;
    this.#announcer = announcer;
    this.#session = session;
    announcer.start();
    session?.start();
    this.#offer();
  }

  /** Own instances that others may hear of, over sources in which nodes speak to each other. */
  #offer(): void {
    const { tier } = this.#config.node;
    const fit = (this.#announcer?.fit ?? []).filter(({ host }) => this.#acceptance.mayPublish(host));
    // No message of the node goes with them, so they say its tier themselves.
    this.#sources.offer(tier === null ? fit : fit.map((one) => ({ ...one, labels: { tier, ...one.labels } })));
  }

  /** Gives the broker, and own checks, time to say where services run. */
  #await(): void {
    if (this.#waitTimer !== null) clearTimeout(this.#waitTimer);
    const { mqtt, announce, placement } = this.#config;
    const waits = mqtt !== null || announce.length > 0 || wantedSources(this.#config).length > 0;
    const waitMs = waits ? placement.waitMs : 0;
    this.#waitTimer = setTimeout(() => this.#known(), waitMs).unref();
  }

  /** The broker, or a source beside it, has said what it knows. */
  #heard(): void {
    const { mqtt, announce } = this.#config;
    const synced = mqtt === null ? announce.length === 0 : this.#session?.state().synced === true;
    if (synced && this.#sources.allReported) this.#known();
  }

  #known(): void {
    if (this.#waitTimer === null) return;
    clearTimeout(this.#waitTimer);
    this.#waitTimer = null;
    this.#options.onKnown();
  }

  #createSession(config: Config, mqtt: MqttConfig, announcer: Announcer): BrokerSession {
    const { clock, rng, log, boot } = this.#options;
    return new BrokerSession({
      config,
      mqtt,
      cache: this.#cache,
      announcer,
      acceptance: this.#acceptance,
      rejections: this.#rejections,
      clock,
      rng,
      log,
      boot,
      rttMs: (nodeId) => this.#rttsMs.get(nodeId),
      counters: this.#counters,
      onChange: () => this.#tickLater(),
      onSynced: () => this.#heard(),
    });
  }

  #setStatic(before: readonly ServiceConfig[], after: readonly ServiceConfig[]): void {
    const nowMs = this.#options.clock.nowMs();
    const wanted = after.flatMap((service) =>
      service.instances
        .filter(({ labels }) => matches(labels, service.constraints))
        .map((instance) => staticInstance(service.name, instance)),
    );
    const gone = before
      .flatMap(({ name, instances }) => instances.map((instance) => staticInstance(name, instance)))
      .filter((old) => !wanted.some((now) => isSameName(now, old)));
    for (const instance of gone) this.#cache.claims.remove('static', instance, nowMs);
    for (const instance of wanted) this.#cache.claims.set('static', instance, { nowMs });
  }

  /** Null when other nodes cannot reach the proxy: then they measure the instances here, as where no qedge runs. */
  #probePort(): number | null {
    const { address } = this.#config.node;
    const { host, port } = this.#options.ownListeners()[0] ?? this.#config.proxy.listen;
    if (!isLoopback(host) || (address !== null && isLoopback(address))) return port;
    this.#options.log.info(
      { address, listen: `${host}:${port}` },
      'proxy listens on loopback, so it is not announced for probes',
    );
    return null;
  }

  #nodeChanged(event: NodeEvent): void {
    this.#session?.nodeChanged(event);
    this.#options.onNode(event);
  }

  #retarget(nodeId: string, target: ProbeTarget | null): void {
    if (target === null) {
      this.#rttsMs.delete(nodeId);
      this.#sources.forget(nodeId);
    }
    this.#options.onTarget(nodeId, target);
  }

  #tickLater(): void {
    const nextMs = this.#cache.presence.nextTickMs;
    if (nextMs >= this.#tickAtMs) return;
    if (this.#tickTimer !== null) clearTimeout(this.#tickTimer);
    this.#tickAtMs = nextMs;
    this.#tickTimer = setTimeout(
      () => {
        this.#tickAtMs = Number.POSITIVE_INFINITY;
        this.#cache.presence.tick(this.#options.clock.nowMs());
        this.#tickLater();
      },
      Math.max(1, nextMs - this.#options.clock.nowMs()),
    );
    this.#tickTimer.unref();
  }

  #gauge(metrics: Metrics): void {
    const connected = metrics.gauge({
      name: 'qedge_mqtt_connected',
      help: '1 while a broker is connected; absent where none is configured.',
    });
    const ofSources = {
      ok: metrics.gauge({
        name: 'qedge_placement_source_ok',
        help: '1 while a source of placements beside the broker is well.',
        labels: ['source'],
      }),
      instances: metrics.gauge({
        name: 'qedge_placement_source_instances',
        help: 'Instances that are known from a source beside the broker.',
        labels: ['source'],
      }),
    };
    const nodes = metrics.gauge({ name: 'qedge_placement_nodes', help: 'Nodes that are announced.' }).with();
    const instances = metrics.gauge({
      name: 'qedge_placement_instances',
      help: 'Known instances of configured services, by availability.',
      labels: ['availability'],
    });
    metrics.onScrape(() => {
      const { broker, nodes: known, instances: views, sources } = this.state();
      connected.clear();
      if (broker !== null) connected.with().set(broker.connected ? 1 : 0);
      for (const family of Object.values(ofSources)) family.clear();
      for (const { source, trouble, instances: count } of sources) {
        ofSources.ok.with(source).set(trouble === null ? 1 : 0);
        ofSources.instances.with(source).set(count);
      }
      nodes.set(known.length);
      const up = views.filter(({ availability }) => availability === 'up').length;
      instances.with('up').set(up);
      instances.with('suspect').set(views.length - up);
    });
  }
}

function brokerCounters(metrics: Metrics): BrokerSessionOptions['counters'] {
  const counter = (name: string, help: string) => metrics.counter({ name, help }).with();
  return {
    connects: counter('qedge_mqtt_connects_total', 'Connections to a broker that were established.'),
    messages: counter('qedge_mqtt_messages_received_total', 'Messages received from the broker.'),
    bytes: counter('qedge_mqtt_bytes_received_total', 'Bytes of topics and payloads received from the broker.'),
  };
}

/** The part of the configuration that a session is made of. */
function concerns(config: Config): unknown {
  const services = config.services.map(({ name, qos, constraints }) => ({ name, qos, constraints }));
  return [config.mqtt, config.node, config.placement, config.announce, services];
}

function staticInstance(service: string, config: StaticInstanceConfig): Instance {
  const { nodeId, id, scheme, host, port, labels, profile, rttMs } = config;
  return { service, nodeId, id, scheme, host, port, labels, rttMs, profile };
}

function isSameName(a: Instance, b: Instance): boolean {
  return a.service === b.service && a.nodeId === b.nodeId && a.id === b.id;
}
