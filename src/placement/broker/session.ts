// The MQTT side of placement: one connection with what is subscribed on it, what the announcer says over it, and which
// nodes are near enough to be listened to. What it hears goes into the cache.

import { setTimeout as delay } from 'node:timers/promises';
import type { Config, MqttConfig } from '../../config/config.ts';
import type { Clock } from '../../core/clock.ts';
import type { Rng } from '../../core/rng.ts';
import { type Logger, RateLimitedLog } from '../../telemetry/log.ts';
import type { Counter } from '../../telemetry/metrics.ts';
import type { Acceptance } from '../acceptance.ts';
import type { Announcer, Staying } from '../announcer.ts';
import type { PlacementCache } from '../cache/placement-cache.ts';
import type { NodeEvent } from '../cache/report.ts';
import { BadMessage } from '../messages/bad-message.ts';
import { type ObservationsMessage, type PlacementMessage, parseMessage } from '../messages/message.ts';
import type { Rejections } from '../messages/rejections.ts';
import { informerFilter, instancesFilter, nodesFilter, nodeTopic, ownInstancesFilter } from '../messages/topics.ts';
import { Reach, type ReachChange } from '../reach.ts';
import { BrokerConnection, type BrokerState } from './connection.ts';
import type { ConnectionEnd } from './connection-end.ts';
import type { InboxMessage } from './inbox.ts';
import { NeighbourTalk, type NeighbourTalkOptions, type TalkCounters } from './neighbour-talk.ts';
import { judgeOwn } from './own-echo.ts';
import { OwnVoice } from './own-voice.ts';
import { Subscriptions } from './subscriptions.ts';

/** What a session is made of. */
export interface BrokerSessionOptions {
  readonly config: Config;
  readonly mqtt: MqttConfig;
  readonly cache: PlacementCache;
  /** Started and stopped by its owner; publishes through this session. */
  readonly announcer: Announcer;
  readonly acceptance: Acceptance;
  readonly rejections: Rejections;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly boot: string;
  /** Last known RTT of a node, ms. */
  readonly rttMs: (nodeId: string) => number | undefined;
  readonly counters: TalkCounters & {
    readonly connects: Counter;
    readonly messages: Counter;
    readonly bytes: Counter;
  };
  /** The cache changed: grace periods may run. */
  readonly onChange: () => void;
  /** What a neighbour saw of a service's instances. */
  readonly onObservations: NeighbourTalkOptions['onObservations'];
  /** All that is retained was heard. */
  readonly onSynced: () => void;
}

/** The connection, and whether the first snapshot is complete. */
export interface BrokerSessionState extends BrokerState {
  readonly subscriptions: number;
  /** Everything retained was heard, once at least. */
  readonly synced: boolean;
  readonly messagesReceived: number;
  /** Another process uses the id of this node. */
  readonly hasRival: boolean;
  /** What this node announces does not come back, though the broker took it. */
  readonly isUnheard: boolean;
}

/** Own announcement is repeated at most this often when something keeps clearing it, ms. */
const REANNOUNCE_MS = 1_000;

/** A session that is stopped before it was ever connected waits for that so long, ms. */
const FIRST_CONNECT_MS_MAX = 1_000;
/** What was announced is taken back within this, on stop. */
const TAKE_BACK_MS_MAX = 2_000;
/** That another process has this node's id is logged at most this often, ms. */
const RIVAL_LOG_MS = 60_000;

/** One broker connection and all that is subscribed and announced over it. */
export class BrokerSession {
  readonly #options: BrokerSessionOptions;
  readonly #connection: BrokerConnection;
  readonly #subscriptions: Subscriptions;
  readonly #reach: Reach;
  readonly neighbours: NeighbourTalk;
  readonly #voice: OwnVoice;
  readonly #rivals = new RateLimitedLog(RIVAL_LOG_MS);
  #reannounce: NodeJS.Timeout | null = null;

  constructor(options: BrokerSessionOptions) {
    const { config, mqtt, cache, announcer, clock, rng, log } = options;
    this.#options = options;
    this.#voice = new OwnVoice(options.boot);
    this.#reach = new Reach(new Map(config.services.map(({ name, qos }) => [name, qos.latencyMs])));
    this.#connection = new BrokerConnection({
      config: mqtt,
      willTopic: announcer.node === null ? null : nodeTopic(mqtt.topicPrefix, config.node.id),
      clock,
      rng,
      log,
      onConnect: (session) => this.#connected(session),
      onDisconnect: (heardMs, end) => this.#disconnected(heardMs, end),
      onMessage: (message) => this.#receive(message),
    });
    this.#subscriptions = new Subscriptions({
      connection: this.#connection,
      cache,
      nowMs: () => clock.nowMs(),
      onSynced: () => {
        options.onChange();
        options.onSynced();
      },
    });
    const parts = { connection: this.#connection, subscriptions: this.#subscriptions };
    this.neighbours = new NeighbourTalk(options, parts);
  }

  start(): void {
    const { config, mqtt, cache } = this.#options;
    const prefix = mqtt.topicPrefix;
    if (mqtt.native) {
      this.#subscriptions.want({ filter: nodesFilter(prefix), qos: 0, shows: { kind: 'nodes' } });
      const own = ownInstancesFilter(prefix, config.node.id);
      this.#subscriptions.want({ filter: own, qos: 0, shows: { kind: 'nothing' } });
    }
    for (const { name: service } of config.services) {
      if (mqtt.informer) {
        this.#subscriptions.want({ filter: informerFilter(service), qos: 1, shows: { kind: 'nothing' } });
      }
      if (mqtt.native && !config.placement.reach) {
        const filter = instancesFilter(prefix, '+', service);
        this.#subscriptions.want({ filter, qos: 0, shows: { kind: 'service', service } });
      }
    }
    for (const { node } of cache.nodes()) this.nodeChanged({ kind: 'node-set', node });
    this.#connection.start();
  }

  /** Takes back what was announced, but for what stays, and says goodbye. */
  async stop(staying?: Staying): Promise<void> {
    this.#subscriptions.stop();
    // The session before this one may have left something for it to take back.
    if (staying === undefined) await this.#connection.firstConnected(FIRST_CONNECT_MS_MAX);
    // A broker that hangs takes nothing; the last will speaks where it comes to itself.
    const hanging = delay(TAKE_BACK_MS_MAX, undefined, { ref: false });
    await Promise.race([this.#options.announcer.takeBack(staying), hanging]);
    await this.#connection.stop();
    // Our own goodbye has come back as something to repeat.
    if (this.#reannounce !== null) clearTimeout(this.#reannounce);
  }

  nodeChanged(event: NodeEvent): void {
    if (!this.#usesReach()) return;
    if (event.kind === 'node-removed') this.#follow(event.nodeId, this.#reach.forget(event.nodeId));
    if (event.kind !== 'node-set') return;
    const { id, address, probePort } = event.node;
    const rttMs = this.#options.rttMs(id);
    if (rttMs !== undefined) this.#follow(id, this.#reach.observe(id, rttMs));
    else if (address === null || probePort === null) this.#follow(id, this.#reach.assume(id));
  }

  observeRtt(nodeId: string, rttMs: number): void {
    if (this.#usesReach() && this.#options.cache.hasNode(nodeId)) {
      this.#follow(nodeId, this.#reach.observe(nodeId, rttMs));
    }
  }

  /** Publishes retained, where native topics are used; resolves to whether the broker took it. */
  async publish(topic: string, payload: string): Promise<boolean> {
    if (!this.#options.mqtt.native) return false;
    const taken = await this.#connection.publish(topic, payload);
    if (taken && payload !== '' && topic === this.#ownTopic) this.#voice.announced(this.#options.clock.nowMs());
    return taken;
  }

  state(): BrokerSessionState {
    const { activeCount, synced } = this.#subscriptions;
    const nowMs = this.#options.clock.nowMs();
    return {
      ...this.#connection.state(),
      subscriptions: activeCount,
      synced,
      messagesReceived: this.#options.counters.messages.value,
      hasRival: this.#voice.hasRival(nowMs),
      isUnheard: this.#voice.isUnheard(nowMs),
    };
  }

  get #ownTopic(): string {
    return nodeTopic(this.#options.mqtt.topicPrefix, this.#options.config.node.id);
  }

  #usesReach(): boolean {
    return this.#options.mqtt.native && this.#options.config.placement.reach;
  }

  #connected(session: { readonly sessionPresent: boolean }): void {
    const { cache, clock, counters, announcer, onChange } = this.#options;
    counters.connects.increment();
    this.#voice.connected();
    cache.presence.brokerBack(clock.nowMs());
    onChange();
    this.#subscriptions.connected(session);
    void announcer.announceAll();
  }

  #disconnected(heardMs: number, end: ConnectionEnd): void {
    const { cache, clock } = this.#options;
    this.#voice.disconnected(end, clock.nowMs());
    this.#logRival();
    this.#subscriptions.disconnected();
    cache.presence.brokerLost({ nowMs: clock.nowMs(), heardMs });
  }

  #follow(nodeId: string, { entered, left }: ReachChange): void {
    const { mqtt, cache, clock } = this.#options;
    for (const service of entered) {
      const filter = instancesFilter(mqtt.topicPrefix, nodeId, service);
      this.#subscriptions.want({ filter, qos: 0, shows: { kind: 'node-service', nodeId, service } });
    }
    for (const service of left) {
      this.#subscriptions.leave(instancesFilter(mqtt.topicPrefix, nodeId, service));
      cache.claims.leaveReach(nodeId, service, clock.nowMs());
    }
  }

  #receive(raw: InboxMessage): void {
    const { acceptance, mqtt, config, rejections, counters, onChange } = this.#options;
    const { addresses } = acceptance;
    counters.messages.increment();
    counters.bytes.increment(raw.topic.length + raw.payload.length);
    if (raw.retained) this.#subscriptions.retainedSeen();
    try {
      this.#apply(raw, parseMessage(raw, { prefix: mqtt.topicPrefix, nodeId: config.node.id, addresses }));
    } catch (error) {
      rejections.add(raw.topic, error);
    }
    onChange();
  }

  #apply(raw: InboxMessage, message: PlacementMessage | ObservationsMessage): void {
    const { cache, clock } = this.#options;
    if (message.kind === 'observations') {
      this.neighbours.hear(message, raw);
      return;
    }
    if (this.#isAboutUs(message, raw)) return;
    const { retained } = raw;
    const refusal = cache.apply(this.#constrained(message), { nowMs: clock.nowMs(), retained });
    if (refusal !== null) throw new BadMessage('limit', refusal);
  }

  /** An instance that lacks what its service demands is as good as none; one of a service not served here is ignored. */
  #constrained(message: PlacementMessage): PlacementMessage {
    if (message.kind !== 'instance-set' && message.kind !== 'informer-set') return message;
    if (this.#options.acceptance.fits(message.instance)) return message;
    const { service, nodeId, id } = message.instance;
    return message.kind === 'instance-set'
      ? { kind: 'instance-cleared', service, nodeId, id }
      : { kind: 'informer-cleared', service, nodeId, id, final: false };
  }

  /** Whether the message is of this very node and dealt with. */
  #isAboutUs(message: PlacementMessage, { topic, retained }: { readonly topic: string; readonly retained: boolean }) {
    const { config, boot, announcer, clock } = this.#options;
    const verdict = judgeOwn(message, {
      nodeId: config.node.id,
      boot,
      retained,
      announces: (service, id) => announcer.announces(service, id),
    });
    if (verdict === 'own-node' && message.kind === 'node-set') {
      this.#voice.hears(message.node.boot, { retained, nowMs: clock.nowMs() });
      this.#logRival();
    }
    if (verdict === 'repeat') this.#reannounceSoon();
    if (verdict === 'take-back') void this.#connection.publish(topic, '');
    return verdict !== 'not-ours';
  }

  #logRival(): void {
    const { clock, config, mqtt, log } = this.#options;
    const nowMs = clock.nowMs();
    const suppressed = this.#voice.hasRival(nowMs) ? this.#rivals.admit('', nowMs) : null;
    if (suppressed === null) return;
    const { clientId } = mqtt;
    log.warn({ id: config.node.id, clientId, suppressed }, 'another process uses the id of this node at the broker');
  }

  #reannounceSoon(): void {
    this.#reannounce ??= setTimeout(() => {
      this.#reannounce = null;
      void this.#options.announcer.announceAll();
    }, REANNOUNCE_MS);
  }
}
