// One lasting connection to one of several brokers, tried again for ever (broker-rotation.ts). What was subscribed is its user's
// business, which hears of every new connection.
//
// With MQTT 5 the session outlives a short absence, so that the informer's events, which are not retained, wait for us.

import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { IClientOptions, IConnackPacket, MqttClient } from 'mqtt';
import type { MqttConfig } from '../../config/config.ts';
import { hostOfUrl } from '../../config/values.ts';
import type { Clock } from '../../core/clock.ts';
import type { Rng } from '../../core/rng.ts';
import { addressBook } from '../../net/address-book.ts';
import { trustSystem } from '../../net/tls.ts';
import { mqtt } from '../../packages.ts';
import { type Logger, RateLimitedLog } from '../../telemetry/log.ts';
import { boundPackets, leave, refuseUnasked } from './bounds.ts';
import { BrokerRotation } from './broker-rotation.ts';
import { clientOptions } from './client-options.ts';
import { type ConnectionEnd, endOf, Goodbye, reasonOf } from './connection-end.ts';
import { Inbox, type InboxMessage } from './inbox.ts';

export interface BrokerConnectionOptions {
  readonly config: MqttConfig;
  /** Topic that the broker clears when we vanish; null: no last will. */
  readonly willTopic: string | null;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** Called before any message. `sessionPresent`: the broker kept our subscriptions. */
  readonly onConnect: (session: { readonly sessionPresent: boolean }) => void;
  /** `heardMs`: when the broker was last heard. */
  readonly onDisconnect: (heardMs: number, end: ConnectionEnd) => void;
  readonly onMessage: (message: InboxMessage) => void;
}

/** How long a message is true, and who gets it. */
interface SayOptions {
  readonly expirySeconds: number;
  /** Also for those that subscribe later. */
  readonly retain: boolean;
}

export interface BrokerState {
  readonly connected: boolean;
  /** The broker in use, or tried next. */
  readonly url: string;
  readonly protocol: '5' | '3.1.1';
  readonly connects: number;
  /** Why the last connection or attempt ended; null before that. */
  readonly lastError: string | null;
  /** What the broker does not let this connection do, by its own words; the topics as one text. */
  readonly refused: { readonly publish: string | null; readonly subscribe: string | null };
}

const POLL_MS = 10;
/** A clean goodbye may take this long on stop. */
const END_TIMEOUT_MS = 1_000;

const NOTHING_REFUSED: BrokerState['refused'] = { publish: null, subscribe: null };
/** MQTT 3.1.1 and 5: reason codes from here on are refusals. */
const REFUSED_MIN = 0x80;
/** The same refusal, or loss, is logged at most this often: a broker may be away for days. */
const LOG_INTERVAL_MS = 60_000;

/** One connection at a time, until `stop`; nothing is said or heard before `start`. */
export class BrokerConnection {
  readonly #options: BrokerConnectionOptions;
  readonly #brokers: BrokerRotation;
  readonly #unanswered = new Set<(value: boolean) => void>();
  readonly #refusals = new RateLimitedLog(LOG_INTERVAL_MS);
  readonly #losses = new RateLimitedLog(LOG_INTERVAL_MS);
  readonly #failures = new RateLimitedLog(LOG_INTERVAL_MS);
  #refused: BrokerState['refused'] = NOTHING_REFUSED;
  readonly #inbox: Inbox;
  #client: MqttClient | null = null;
  #retry: NodeJS.Timeout | null = null;
  #stopped = true;
  #attempts = 0;
  #connects = 0;
  #connectedAtMs: number | null = null;
  #heardMs = Number.NEGATIVE_INFINITY;
  #lastError: string | null = null;

  constructor(options: BrokerConnectionOptions) {
    this.#options = options;
    this.#brokers = new BrokerRotation(options.config.urls, options.rng);
    this.#inbox = new Inbox(options.onMessage, (topic, error) => this.#reportFailure(topic, error));
  }

  start(): void {
    this.#stopped = false;
    void this.#connect();
  }

  /** Says goodbye, so that the last will does not fire and the session is not kept. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    const client = this.#client;
    if (client === null) return;
    const is5 = client.options.protocolVersion === 5;
    await new Promise<void>((resolve) => {
      const done = (): void => resolve();
      if (is5) client.end(false, { properties: { sessionExpiryInterval: 0 } }, done);
      else client.end(false, {}, done);
      setTimeout(done, END_TIMEOUT_MS).unref();
    });
    client.end(true);
  }

  /** Waits for the first connection, `msMax` at most, where none was made or failed yet. */
  async firstConnected(msMax: number): Promise<void> {
    const pending = (): boolean => this.#connects === 0 && this.#lastError === null;
    for (let waitedMs = 0; pending() && waitedMs < msMax; waitedMs += POLL_MS) await delay(POLL_MS);
  }

  get connected(): boolean {
    return this.#connectedAtMs !== null;
  }

  state(): BrokerState {
    const { url, version } = this.#brokers;
    return {
      connected: this.connected,
      url,
      protocol: version === 5 ? '5' : '3.1.1',
      connects: this.#connects,
      lastError: this.#lastError,
      refused: this.#refused,
    };
  }

  /** Publishes retained at QoS 1; empty payload clears. Resolves to whether the broker took it; never rejects. */
  publish(topic: string, payload: string): Promise<boolean> {
    const client = this.#client;
    if (client === null || !this.connected) return Promise.resolve(false);
    return this.#answer((resolve) => {
      client.publish(topic, payload, { qos: 1, retain: true }, (error) => {
        if (error && 'code' in error && isRefusal(error.code)) this.#reportRefusal('publish', [topic], error);
        resolve(!error);
      });
    });
  }

  /** Says what is true for so long only, at QoS 0: retained where the broker forgets it by itself then (MQTT 5). */
  say(topic: string, payload: string, { expirySeconds, retain }: SayOptions): void {
    const client = this.#client;
    if (client === null || !this.connected) return;
    const is5 = client.options.protocolVersion === 5;
    const properties = is5 ? { properties: { messageExpiryInterval: expirySeconds } } : {};
    client.publish(topic, payload, { qos: 0, retain: retain && is5, ...properties }, () => {});
  }

  /** Resolves to whether the broker granted all of them; never rejects. */
  subscribe(filters: readonly string[], qos: 0 | 1): Promise<boolean> {
    const client = this.#client;
    if (client === null || !this.connected) return Promise.resolve(false);
    return this.#answer((resolve) => {
      client.subscribe([...filters], { qos }, (error, granted) => {
        const answers = answersIn(error);
        const refused = filters.filter((_, i) => isRefusal(answers[i]));
        if (error && refused.length > 0) this.#reportRefusal('subscribe', refused, error);
        resolve(!error && (granted ?? []).every((grant) => grant.qos < 128));
      });
    });
  }

  unsubscribe(filters: readonly string[]): void {
    if (this.connected) this.#client?.unsubscribe([...filters], () => {});
  }

  /** An answer from the broker; false when the connection ends first, since then mqtt.js may never call back. */
  #answer(ask: (resolve: (value: boolean) => void) => void): Promise<boolean> {
    return new Promise((resolve) => {
      const answer = (value: boolean): void => {
        this.#unanswered.delete(answer);
        resolve(value);
      };
      this.#unanswered.add(answer);
      ask(answer);
    });
  }

  /** A broker that lets us in may still not let us say or hear everything: most often its access list is too short. */
  #reportRefusal(action: 'publish' | 'subscribe', topics: readonly string[], error: Error): void {
    const text = topics.join(' ').slice(0, 512);
    this.#refused = { ...this.#refused, [action]: text };
    const suppressed = this.#refusals.admit(`${action} ${text}`, this.#options.clock.nowMs());
    if (suppressed === null) return;
    this.#options.log.warn({ action, topics: text, reason: error.message, suppressed }, 'broker refused an action');
  }

  /** A failure of ours. */
  #reportFailure(topic: string, error: unknown): void {
    const suppressed = this.#failures.admit('', this.#options.clock.nowMs());
    if (suppressed !== null) this.#options.log.error({ topic, err: error, suppressed }, 'message failed');
  }

  async #connect(): Promise<void> {
    this.#retry = null;
    const { url, version } = this.#brokers;
    try {
      if (this.#options.config.caFile === null && /^(?:mqtts|wss):/.test(url)) trustSystem();
      const address = await this.#address(url);
      if (this.#stopped) return;
      const { config, willTopic } = this.#options;
      // A first connection starts afresh; later ones take up the session where the protocol has sessions that expire.
      const options = clientOptions(config, { version, willTopic, resume: this.#connects > 0 });
      const client = mqtt().connect(url, { ...options, ...address });
      this.#client = client;
      this.#listen(client);
      refuseUnasked(client);
      client.handleMessage = (_packet, done) => this.#inbox.whenRoom(done);
      client.connect();
      boundPackets(client);
    } catch (error) {
      // A certificate file that cannot be read, or an address that is none: it may be mended while we run.
      this.#lost(error);
    }
  }

  /** Where to connect to, looked up before; of several addresses the next one each time. */
  async #address(url: string): Promise<IClientOptions> {
    const name = hostOfUrl(url);
    const addresses = await addressBook.addressesOf(name);
    const hostname = addresses[this.#attempts++ % addresses.length] ?? name;
    if (!/^wss?:/.test(url)) return { hostname, ...(isIP(name) === 0 ? { servername: name } : {}) };
    // mqtt.js composes the URL itself, without the brackets of an IPv6 address.
    return { wsOptions: { lookup: addressBook.lookup }, transformWsUrl: () => url };
  }

  #listen(client: MqttClient): void {
    let failure: unknown = null;
    client.on('packetreceive', () => {
      this.#heardMs = this.#options.clock.nowMs();
    });
    client.on('connect', (packet) => this.#established(packet));
    client.on('message', (topic, payload, packet) => this.#inbox.put({ topic, payload, retained: packet.retain }));
    client.on('disconnect', (packet) => {
      failure = new Goodbye(packet.reasonCode ?? 0);
    });
    // A broker that breaks the protocol is left: mqtt.js only says so, and goes on with what comes next.
    client.on('error', (error) => {
      failure = error;
      leave(client);
    });
    client.once('close', () => {
      client.removeAllListeners();
      client.on('error', () => {});
      client.end(true);
      this.#lost(failure);
    });
  }

  #established(packet: IConnackPacket): void {
    this.#connectedAtMs = this.#options.clock.nowMs();
    this.#connects++;
    this.#refused = NOTHING_REFUSED;
    this.#options.log.info({ broker: this.state().url, protocol: this.state().protocol }, 'broker connected');
    const { sessionPresent } = packet;
    this.#inbox.behind(() => this.#options.onConnect({ sessionPresent }));
  }

  #lost(failure: unknown): void {
    const wasConnected = this.#connectedAtMs !== null;
    const heldMs = wasConnected ? this.#options.clock.nowMs() - (this.#connectedAtMs ?? 0) : 0;
    this.#connectedAtMs = null;
    this.#client = null;
    for (const answer of [...this.#unanswered]) answer(false);
    // A broker that is asked at once in its own version has refused nothing yet.
    const otherProtocol = !this.#stopped && !wasConnected && this.#brokers.changeVersion(failure);
    if (!otherProtocol) this.#lastError = reasonOf(failure, wasConnected);
    const heardMs = this.#heardMs;
    const end = endOf(failure);
    if (wasConnected) this.#inbox.behind(() => this.#options.onDisconnect(heardMs, end));
    if (this.#stopped) return;
    this.#retry = setTimeout(() => void this.#connect(), otherProtocol ? 0 : this.#moveOn(heldMs));
  }

  /** Moves on to the next broker; returns how long to wait before it is tried, ms. */
  #moveOn(heldMs: number): number {
    const { url: broker } = this.#brokers;
    const waitMs = this.#brokers.moveOn(heldMs);
    const reason = this.#lastError;
    const suppressed = this.#losses.admit(`${broker} ${reason}`, this.#options.clock.nowMs());
    if (suppressed !== null) {
      this.#options.log.warn({ broker, reason, retryInMs: Math.round(waitMs), suppressed }, 'broker lost');
    }
    return waitMs;
  }
}

/** What a broker's SUBACK said of each filter; nothing where the connection ended before one came. */
function answersIn(error: (Error & { readonly packet?: unknown }) | null): readonly unknown[] {
  const packet = error?.packet as { readonly granted?: unknown } | null | undefined;
  return Array.isArray(packet?.granted) ? packet.granted : [];
}

const isRefusal = (code: unknown): boolean => typeof code === 'number' && code >= REFUSED_MIN;
