// This node among the others: what it announces, and the session with the broker. Both are made of a configuration, and made
// again when what concerns them changes.

import { isDeepStrictEqual } from 'node:util';
import type { Config, ListenAddress, MqttConfig } from '../config/config.ts';
import { isLoopback } from '../config/loopback.ts';
import type { DeviceLoad, Instance } from '../core/domain.ts';
import type { NeighbourhoodState } from '../core/neighbours/neighbourhood-state.ts';
import type { Summary } from '../core/neighbours/summary.ts';
import type { Acceptance } from './acceptance.ts';
import type { Announcer } from './announcer.ts';
import { BrokerSession, type BrokerSessionOptions, type BrokerSessionState } from './broker/session.ts';
import type { NodeEvent } from './cache/report.ts';
import { announcesNode, OwnInstances } from './own-instances.ts';

/** What participation is made from. */
export interface ParticipationOptions
  extends Omit<BrokerSessionOptions, 'config' | 'mqtt' | 'announcer' | 'acceptance'> {
  /** Everything this process listens on, as bound. The first is where it is probed. */
  readonly ownListeners: () => readonly ListenAddress[];
  /** What is announced changed. */
  readonly onOffer: () => void;
}

/** What is announced now and over which session. */
export class Participation {
  readonly #options: ParticipationOptions;
  readonly #own: OwnInstances;
  #config: Config;
  #acceptance: Acceptance;
  /** What announcer and session are made of. */
  #begun: Config;
  #changing: Promise<void> = Promise.resolve();
  #announcer: Announcer | null = null;
  #session: BrokerSession | null = null;
  #load: DeviceLoad | null = null;

  /** Says and hears nothing before `start`. */
  constructor(options: ParticipationOptions, config: Config, acceptance: Acceptance) {
    this.#options = options;
    this.#config = config;
    this.#begun = config;
    this.#acceptance = acceptance;
    this.#own = new OwnInstances({ ...options, probePort: () => this.#probePort() });
  }

  start(acceptance: Acceptance): void {
    this.#acceptance = acceptance;
    this.#begin(this.#config, []);
  }

  /** A reloaded configuration. The connection is kept unless what concerns it changed. */
  configure(config: Config, acceptance: Acceptance): void {
    this.#config = config;
    this.#acceptance = acceptance;
    // One change after the other: two sessions of one client id would push each other off the broker.
    this.#changing = this.#changing.then(() => this.#beginAgain());
  }

  /** Takes back what was announced, unless another process of this node goes on with it (`succeeded`). */
  async stop(succeeded: boolean): Promise<void> {
    await this.#changing;
    const [announcer, session] = [this.#announcer, this.#session];
    this.#announcer = null;
    announcer?.stop();
    await session?.stop(succeeded ? { node: true, instances: announcer?.fit ?? [] } : undefined);
    this.#session = null;
  }

  /** Own instances that are fit for traffic. */
  get fit(): readonly Instance[] {
    return this.#announcer?.fit ?? [];
  }

  /** Null without a broker. */
  get broker(): BrokerSessionState | null {
    return this.#session?.state() ?? null;
  }

  /** Null without a broker, and where summaries are neither sent nor used. */
  get neighbourhood(): NeighbourhoodState | null {
    return this.#session?.neighbours.state() ?? null;
  }

  announceLoad(load: DeviceLoad): void {
    this.#load = load;
    void this.#announcer?.announceLoad(load);
  }

  observeRtt(nodeId: string, rttMs: number): void {
    this.#session?.observeRtt(nodeId, rttMs);
  }

  exchange(summaries: ReadonlyMap<string, Summary>): void {
    this.#session?.neighbours.exchange(summaries);
  }

  say(summaries: ReadonlyMap<string, Summary>): void {
    this.#session?.neighbours.say(summaries);
  }

  nodeChanged(event: NodeEvent): void {
    this.#session?.nodeChanged(event);
  }

  /** What is announced before and after is never taken back: others would forget what they learned of it. */
  async #beginAgain(): Promise<void> {
    const [config, before] = [this.#config, this.#begun];
    const [announcer, session] = [this.#announcer, this.#session];
    if (announcer === null) return;
    if (isDeepStrictEqual(concerns(before), concerns(config))) {
      session?.neighbours.configure(config.neighbours);
      return;
    }
    announcer.stop();
    const fit = announcer.fitFor(config.announce);
    const sameBroker = isDeepStrictEqual(before.mqtt, config.mqtt);
    this.#session = null;
    await session?.stop(sameBroker ? { node: announcesNode(config), instances: fit } : undefined);
    this.#begin(config, fit);
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
    this.#options.onOffer();
  }

  #createSession(config: Config, mqtt: MqttConfig, announcer: Announcer): BrokerSession {
    return new BrokerSession({ ...this.#options, config, mqtt, announcer, acceptance: this.#acceptance });
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
}

/** The part of the configuration that announcer and session are made of. */
function concerns(config: Config): unknown {
  const services = config.services.map(({ name, qos, constraints }) => ({ name, qos, constraints }));
  return [config.mqtt, config.node, config.placement, config.announce, services];
}
