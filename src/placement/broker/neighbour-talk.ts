// What is said to neighbours over the session with the broker, and which of them are listened to.

import type { Config, MqttConfig } from '../../config/config.ts';
import { isLoopback } from '../../config/loopback.ts';
import type { Node } from '../../core/domain.ts';
import { type Observed, type Summary, summaryText } from '../../core/neighbours/summary.ts';
import type { Counter } from '../../telemetry/metrics.ts';
import type { PlacementCache } from '../cache/placement-cache.ts';
import type { ObservationsMessage } from '../messages/message.ts';
import { observationsTopic } from '../messages/topics.ts';
import type { BrokerConnection } from './connection.ts';
import { Neighbourhood } from './neighbourhood.ts';
import type { Subscriptions } from './subscriptions.ts';

export interface NeighbourTalkOptions {
  readonly config: Config;
  readonly mqtt: MqttConfig;
  readonly cache: PlacementCache;
  /** Last known RTT of a node, ms. */
  readonly rttMs: (nodeId: string) => number | undefined;
  readonly counters: TalkCounters;
  /** What a neighbour saw of a service's instances. */
  readonly onObservations: (nodeId: string, service: string, summary: Summary) => void;
}

/** Summaries said to neighbours, their bytes, and those heard. */
export interface TalkCounters {
  readonly told: Counter;
  readonly toldBytes: Counter;
  readonly heard: Counter;
}

/** The broker forgets what was seen after this. */
const EXPIRY_SECONDS = 10;

export class NeighbourTalk {
  readonly #options: NeighbourTalkOptions;
  readonly #connection: BrokerConnection;
  readonly #subscriptions: Subscriptions;
  readonly #neighbourhood: Neighbourhood;
  /** Neighbours that are processes of this machine: what loopback means there, it means here. */
  #beside: ReadonlySet<string> = new Set();

  constructor(
    options: NeighbourTalkOptions,
    { connection, subscriptions }: { readonly connection: BrokerConnection; readonly subscriptions: Subscriptions },
  ) {
    const { services, neighbours } = options.config;
    this.#options = options;
    this.#connection = connection;
    this.#subscriptions = subscriptions;
    this.#neighbourhood = new Neighbourhood(
      neighbours.max,
      new Map(services.map(({ name, qos }) => [name, qos.latencyMs])),
    );
  }

  /** Says what was seen here, by service, and listens to those that are near now. */
  exchange(told: ReadonlyMap<string, Summary>): void {
    const { config, mqtt, counters } = this.#options;
    if (!mqtt.native) return;
    this.#redraw();
    for (const [service, summary] of told) {
      const topic = observationsTopic(mqtt.topicPrefix, config.node.id, service);
      const text = summaryText(summary);
      this.#connection.say(topic, text, EXPIRY_SECONDS);
      counters.told.increment();
      counters.toldBytes.increment(topic.length + text.length);
    }
  }

  /** What is retained of one that is listened to no more may still come. */
  hear({ nodeId, service, summary }: ObservationsMessage): void {
    if (summary === null || !this.#neighbourhood.hears(service, nodeId)) return;
    this.#options.counters.heard.increment();
    const instances = this.#beside.has(nodeId) ? summary.instances : summary.instances.filter(isNamedForAll);
    this.#options.onObservations(nodeId, service, { ...summary, instances });
  }

  #redraw(): void {
    const { config, mqtt, cache, rttMs } = this.#options;
    const { id: ownId, address: ownAddress } = config.node;
    const others = cache.nodes().filter(({ node, lost }) => !lost && node.id !== ownId && runsQedge(node));
    const near = others.flatMap(({ node: { id } }) => {
      const distanceMs = rttMs(id);
      return distanceMs === undefined ? [] : [{ id, rttMs: distanceMs }];
    });
    const beside = others.filter(({ node: { address } }) => {
      return address !== null && (isLoopback(address) || address === ownAddress);
    });
    this.#beside = new Set(beside.map(({ node: { id } }) => id));
    for (const { service, entered, left } of this.#neighbourhood.redraw(near)) {
      const filterOf = (nodeId: string): string => observationsTopic(mqtt.topicPrefix, nodeId, service);
      for (const id of entered) this.#subscriptions.want({ filter: filterOf(id), qos: 0, shows: { kind: 'nothing' } });
      for (const id of left) this.#subscriptions.leave(filterOf(id));
    }
  }
}

/** Not every one can be pinged: where its proxy listens on loopback, its distance is that of its instances. */
function runsQedge({ probePort, boot }: Node): boolean {
  return probePort !== null || boot !== null;
}

/** An instance that is named after a loopback address is another one on each machine. */
function isNamedForAll({ key }: Observed): boolean {
  return !isLoopback(key.slice(0, key.indexOf('/')));
}
