// What is said to neighbours over the session with the broker, and which of them are listened to.

import type { Config, MqttConfig, NeighboursConfig } from '../../config/config.ts';
import { isLoopback } from '../../config/loopback.ts';
import type { Clock } from '../../core/clock.ts';
import type { Node } from '../../core/domain.ts';
import type { NeighbourhoodState } from '../../core/neighbours/neighbourhood-state.ts';
import { Saying } from '../../core/neighbours/saying.ts';
import { type Observed, SUMMARY_BYTES_MAX, type Summary, summaryText } from '../../core/neighbours/summary.ts';
import type { Counter } from '../../telemetry/metrics.ts';
import type { PlacementCache } from '../cache/placement-cache.ts';
import type { ObservationsMessage } from '../messages/message.ts';
import { ROUND_TRIPS_SAID_MAX, type RoundTrips, withRoundTrips } from '../messages/round-trips.ts';
import { observationsTopic } from '../messages/topics.ts';
import type { BrokerConnection } from './connection.ts';
import type { InboxMessage } from './inbox.ts';
import { type NearNode, Neighbourhood } from './neighbourhood.ts';
import type { Subscriptions } from './subscriptions.ts';

export interface NeighbourTalkOptions {
  readonly config: Config;
  readonly mqtt: MqttConfig;
  readonly cache: PlacementCache;
  readonly clock: Clock;
  /** Last known RTT of a node, ms. */
  readonly rttMs: (nodeId: string) => number | undefined;
  readonly counters: TalkCounters;
  /** What a neighbour saw of a service's instances. */
  readonly onObservations: (nodeId: string, service: string, summary: Summary) => void;
}

/** Summaries said to neighbours, their bytes, and those heard. */
export interface TalkCounters {
  readonly sent: Counter;
  readonly sentBytes: Counter;
  readonly heard: Counter;
}

interface HeardRow {
  readonly atMs: number;
  readonly roundTrips: RoundTrips;
}

/** The latest message on a topic that is no news, as the broker may send it once more. */
interface HeardText {
  readonly atMs: number;
  readonly text: string;
}

/** The broker forgets what was seen after this. */
const EXPIRY_SECONDS = 10;
/** Time after which the broker has surely forgotten a message, ms, even one that was long on its way. */
const REPEATED_MS = 2 * 1_000 * EXPIRY_SECONDS;

export class NeighbourTalk {
  readonly #options: NeighbourTalkOptions;
  readonly #connection: BrokerConnection;
  readonly #subscriptions: Subscriptions;
  readonly #neighbourhood: Neighbourhood;
  /** Round trips farther than this concern no service. */
  readonly #reachMs: number;
  /** So many are listened to for each service; 0: summaries are neither sent nor used. */
  #max: number;
  /** Neighbours that are processes of this machine: what loopback means there, it means here. */
  #beside: ReadonlySet<string> = new Set();
  /** Keyed by service. */
  readonly #sayings = new Map<string, Saying>();
  #ownRoundTrips: RoundTrips = new Map();
  /** Keyed by the node that is listened to. */
  readonly #rows = new Map<string, HeardRow>();
  /** Keyed by topic, for as long as the broker keeps them. */
  readonly #texts = new Map<string, HeardText>();

  constructor(
    options: NeighbourTalkOptions,
    { connection, subscriptions }: { readonly connection: BrokerConnection; readonly subscriptions: Subscriptions },
  ) {
    const { services, neighbours } = options.config;
    const limitsMs = new Map(services.map(({ name, qos }) => [name, qos.latencyMs]));
    this.#options = options;
    this.#connection = connection;
    this.#subscriptions = subscriptions;
    this.#max = heardMax(neighbours);
    this.#neighbourhood = new Neighbourhood(limitsMs);
    this.#reachMs = Math.max(0, ...limitsMs.values());
  }

  /** A reloaded configuration: what is listened to no more is left at once. */
  configure(neighbours: NeighboursConfig): void {
    this.#max = heardMax(neighbours);
    if (this.#max > 0) return;
    this.#sayings.clear();
    this.#texts.clear();
    this.#follow([]);
  }

  /** Listens to those that are near now, and speaks as `say` does. */
  exchange(seen: ReadonlyMap<string, Summary>): void {
    if (!this.#options.mqtt.native) return;
    this.#redraw();
    this.say(seen);
  }

  /** Takes in what was seen here since the last call, by service, and says what is due of it. */
  say(seen: ReadonlyMap<string, Summary>): void {
    const { config, mqtt, counters, clock } = this.#options;
    if (!mqtt.native) return;
    for (const { name: service } of config.services) {
      const due = this.#sayingOf(service).next(seen.get(service) ?? null, clock.nowMs());
      if (due === null) continue;
      const topic = observationsTopic(mqtt.topicPrefix, config.node.id, service);
      const text = withRoundTrips(summaryText(due), this.#ownRoundTrips, SUMMARY_BYTES_MAX);
      // What is retained is for nodes that come later: to them, one instance that is news says nothing of the others.
      this.#connection.say(topic, text, { expirySeconds: EXPIRY_SECONDS, retain: due.isNews !== true });
      counters.sent.increment();
      counters.sentBytes.increment(topic.length + text.length);
    }
  }

  /** What is retained of one that is listened to no more may still come, and what was heard comes once more with each subscription. */
  hear({ nodeId, service, summary, roundTrips }: ObservationsMessage, raw: InboxMessage): void {
    if (summary === null || !this.#neighbourhood.hears(service, nodeId)) return;
    if (summary.isNews !== true && this.#isRepeat(raw)) return;
    this.#options.counters.heard.increment();
    this.#rows.set(nodeId, { atMs: this.#options.clock.nowMs(), roundTrips });
    this.#options.onObservations(nodeId, service, this.#beside.has(nodeId) ? summary : namedForAll(summary));
  }

  /** Null where summaries are neither sent nor used. */
  state(): NeighbourhoodState | null {
    const { config, mqtt, counters, clock } = this.#options;
    if (!mqtt.native || this.#max === 0) return null;
    const nowMs = clock.nowMs();
    const own: HeardRow = { atMs: nowMs, roundTrips: this.#ownRoundTrips };
    const rows = [...new Map([[config.node.id, own], ...this.#rows])].filter(([, row]) => row.roundTrips.size > 0);
    return {
      summariesSent: counters.sent.value,
      bytesSent: counters.sentBytes.value,
      summariesReceived: counters.heard.value,
      roundTrips: rows.map(([nodeId, { atMs, roundTrips }]) => ({
        nodeId,
        ageMs: nowMs - atMs,
        rttsMs: Object.fromEntries(roundTrips),
      })),
    };
  }

  /** The broker's memory says what was heard before; what is not out of it is new, however alike. */
  #isRepeat({ topic, payload, retained }: InboxMessage): boolean {
    const atMs = this.#options.clock.nowMs();
    const text = Buffer.from(payload).toString('latin1');
    if (retained && this.#texts.get(topic)?.text === text) return true;
    this.#texts.set(topic, { atMs, text });
    for (const [of, heard] of this.#texts) if (atMs - heard.atMs > REPEATED_MS) this.#texts.delete(of);
    return false;
  }

  #sayingOf(service: string): Saying {
    const known = this.#sayings.get(service);
    if (known !== undefined) return known;
    const made = new Saying();
    this.#sayings.set(service, made);
    return made;
  }

  #redraw(): void {
    const { config, cache, rttMs } = this.#options;
    const { id: ownId, address: ownAddress } = config.node;
    const others = cache.nodes().filter(({ node, lost }) => !lost && node.id !== ownId);
    const near = others
      .flatMap(({ node }) => {
        const distanceMs = rttMs(node.id);
        return distanceMs === undefined ? [] : [{ id: node.id, rttMs: distanceMs, speaks: runsQedge(node) }];
      })
      .sort((a, b) => a.rttMs - b.rttMs);
    const inReach = near.filter((node) => node.rttMs < this.#reachMs).slice(0, ROUND_TRIPS_SAID_MAX);
    this.#ownRoundTrips = new Map(inReach.map((node) => [node.id, node.rttMs]));
    const beside = others.filter(({ node: { address } }) => {
      return address !== null && (isLoopback(address) || address === ownAddress);
    });
    this.#beside = new Set(beside.map(({ node: { id } }) => id));
    this.#follow(near.filter(({ speaks }) => speaks));
  }

  #follow(near: readonly NearNode[]): void {
    const { mqtt } = this.#options;
    for (const { service, entered, left } of this.#neighbourhood.redraw(near, this.#max)) {
      const filterOf = (nodeId: string): string => observationsTopic(mqtt.topicPrefix, nodeId, service);
      for (const id of entered) this.#subscriptions.want({ filter: filterOf(id), qos: 0, shows: { kind: 'nothing' } });
      for (const id of left) this.#subscriptions.leave(filterOf(id));
    }
    for (const id of this.#rows.keys()) if (!this.#neighbourhood.listensTo(id)) this.#rows.delete(id);
  }
}

function heardMax({ mode, max }: NeighboursConfig): number {
  return mode === 'off' ? 0 : max;
}

/** Not every one can be pinged: where its proxy listens on loopback, its distance is that of its instances. */
function runsQedge({ probePort, boot }: Node): boolean {
  return probePort !== null || boot !== null;
}

function namedForAll(summary: Summary): Summary {
  const { instances, asNews } = summary;
  return {
    ...summary,
    instances: instances.filter(isNamedForAll),
    ...(asNews && { asNews: asNews.filter(isNamedForAll) }),
  };
}

/** An instance that is named after a loopback address is another one on each machine. */
function isNamedForAll({ key }: Observed): boolean {
  return !isLoopback(key.slice(0, key.indexOf('/')));
}
