// Speaks for this node: announces it and its healthy instances, takes back what fails its checks, and on stop takes back
// everything. What is to be said is kept here and sent again on each connection, instances first: a reader that sees the node
// in a snapshot can then assume that its instances are in it as well. Without a broker only this node hears of them.

import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { AnnounceConfig, LearningConfig } from '../config/config.ts';
import type { DeviceLoad, Instance, Node } from '../core/domain.ts';
import type { Rng } from '../core/rng.ts';
import { addressBook } from '../net/address-book.ts';
import { checkHealth } from '../net/health/health-check.ts';
import { clientTls, TLS_NAME_LABEL } from '../net/tls.ts';
import type { Logger } from '../telemetry/log.ts';
import { encodeInstance, encodeNode } from './messages/announcement.ts';
import { instanceTopic, nodeTopic } from './messages/topics.ts';

export interface AnnouncerOptions {
  readonly prefix: string;
  /** This node as it is to be announced; null when it does not announce itself. */
  readonly node: Node | null;
  /** What it brings to federated learning. */
  readonly learning: LearningConfig | null;
  readonly nodeId: string;
  readonly boot: string;
  readonly announce: readonly AnnounceConfig[];
  /** Instances of them that were found fit before, by the announcer that this one follows. */
  readonly fit: readonly Instance[];
  readonly rng: Rng;
  readonly log: Logger;
  /** Publishes retained; resolves to whether the broker took it. */
  readonly publish: (topic: string, payload: string) => Promise<boolean>;
  /** Whether the host may be announced to other nodes: `127.0.0.1` is another machine on each. */
  readonly mayPublish: (host: string) => boolean;
  /** An own instance became fit for traffic, or unfit: known here without any broker. */
  readonly onLocal: (instance: Instance, up: boolean) => void;
}

/** What another announcer of this node goes on announcing, so that it does not seem to leave. */
export interface Staying {
  readonly node: boolean;
  /** The instances that `Announcer.fit` returned. */
  readonly instances: readonly Instance[];
}

const NOTHING_STAYS: Staying = { node: false, instances: [] };

interface Local {
  readonly config: AnnounceConfig;
  /** As announced; null while it is not fit. */
  instance: Instance | null;
  failures: number;
  timer: NodeJS.Timeout | null;
}

/** An instance that is named, and not checked, is looked at this often: its address may change, ms. */
const RESOLVE_AGAIN_MS = 5_000;
/** Checks are this share early or late, so that they do not all come at once. */
const JITTER_RATIO = 0.1;

/** Announces this node and its healthy instances; nothing before `start`. */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #locals: readonly Local[];
  #node: Node | null;
  #running = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#node = options.node;
    this.#locals = options.announce.map((config) => {
      const instance = options.fit.find(({ service, id }) => service === config.service && id === config.id) ?? null;
      return { config, instance, failures: 0, timer: null };
    });
  }

  start(): void {
    this.#running = true;
    for (const instance of this.fit) this.#options.onLocal(instance, true);
    for (const local of this.#locals) void this.#check(local);
  }

  /** The part of what is announced now that another list announces in the very same words. */
  fitFor(announce: readonly AnnounceConfig[]): readonly Instance[] {
    return this.#locals.flatMap(({ config, instance }) => {
      const stays = instance !== null && announce.some((other) => isDeepStrictEqual(other, config));
      return stays ? [instance] : [];
    });
  }

  /** Instances that are announced now. */
  get fit(): readonly Instance[] {
    return this.#locals.flatMap(({ instance }) => (instance === null ? [] : [instance]));
  }

  /** Announces everything again. */
  async announceAll(): Promise<void> {
    if (!this.#running) return;
    await Promise.all(this.fit.map((instance) => this.#publishInstance(instance)));
    await this.#publishNode();
  }

  /** Checks nothing any more, and so says nothing new. */
  stop(): void {
    this.#running = false;
    for (const { timer } of this.#locals) if (timer !== null) clearTimeout(timer);
  }

  /** Takes everything back but what stays, the node last. */
  async takeBack(staying: Staying = NOTHING_STAYS): Promise<void> {
    const { publish, prefix, nodeId } = this.#options;
    const gone = this.fit.filter((instance) => !staying.instances.includes(instance));
    await Promise.all(gone.map(({ service, id }) => publish(instanceTopic(prefix, { nodeId, service, id }), '')));
    if (this.#node !== null && !staying.node) await publish(nodeTopic(prefix, nodeId), '');
  }

  /** Announces the node again with how hard pressed it is. */
  async announceLoad(load: DeviceLoad): Promise<void> {
    if (this.#node === null) return;
    this.#node = { ...this.#node, load };
    await this.#publishNode();
  }

  /** Whether this process announces that instance now, or may as soon as its first check is done. */
  announces(service: string, id: string): boolean {
    return this.#locals.some(
      ({ config, instance, failures }) =>
        config.service === service &&
        config.id === id &&
        (instance === null ? failures === 0 : this.#options.mayPublish(instance.host)),
    );
  }

  get node(): Node | null {
    return this.#node;
  }

  async #publishNode(): Promise<void> {
    if (this.#node === null) return;
    const { publish, prefix, mayPublish, learning } = this.#options;
    const resolved = this.#node.address === null ? null : await resolve(this.#node.address);
    // It may have been taken back meanwhile.
    if (!this.#running) return;
    const address = resolved !== null && mayPublish(resolved) ? resolved : null;
    const probePort = address === null ? null : this.#node.probePort;
    await publish(nodeTopic(prefix, this.#node.id), encodeNode({ ...this.#node, address, probePort }, learning));
  }

  #publishInstance(instance: Instance): Promise<boolean> {
    const { publish, prefix, boot, mayPublish } = this.#options;
    const topic = instanceTopic(prefix, instance);
    // An earlier life of this node may have announced what is kept from the others now.
    return publish(topic, mayPublish(instance.host) ? encodeInstance(instance, boot) : '');
  }

  async #check(local: Local): Promise<void> {
    const { config } = local;
    const host = await resolve(config.host);
    const reason = host === null ? `host ${JSON.stringify(config.host)} does not resolve` : await unfit(config, host);
    if (!this.#running) return;
    if (reason === null && host !== null) this.#pass(local, host);
    else if (reason !== undefined) this.#fail(local, reason ?? '');
    const againMs = config.health?.intervalMs ?? (isIP(config.host) === 0 ? RESOLVE_AGAIN_MS : null);
    if (againMs === null) return;
    const jitter = 1 + JITTER_RATIO * (2 * this.#options.rng.next() - 1);
    local.timer = setTimeout(() => void this.#check(local), againMs * jitter);
  }

  #pass(local: Local, host: string): void {
    local.failures = 0;
    if (local.instance?.host === host) return;
    const { service, id, scheme, port, labels, profile } = local.config;
    const instance = { service, nodeId: this.#options.nodeId, id, scheme, host, port, labels, profile };
    local.instance = instance;
    const { log, mayPublish } = this.#options;
    if (mayPublish(host)) log.info({ service, instance: id }, 'instance announced');
    else log.warn({ service, instance: id, host }, 'instance on loopback is used on this node alone');
    this.#options.onLocal(instance, true);
    void this.#publishInstance(instance);
  }

  #fail(local: Local, reason: string): void {
    local.failures++;
    const { instance, config } = local;
    const { service, id } = config;
    if (instance === null) {
      if (local.failures > 1) return;
      this.#options.log.warn({ service, instance: id, reason }, 'instance not fit to announce');
      // An earlier life of this node may have announced it.
      this.#withdraw(config);
      return;
    }
    if (local.failures < (config.health?.failuresMax ?? 1)) return;
    local.instance = null;
    this.#options.log.warn({ service, instance: id, reason }, 'instance withdrawn');
    this.#options.onLocal(instance, false);
    this.#withdraw(config);
  }

  #withdraw({ service, id }: AnnounceConfig): void {
    const { publish, prefix, nodeId } = this.#options;
    void publish(instanceTopic(prefix, { nodeId, service, id }), '');
  }
}

/** Null: the instance at this address is fit to be announced. */
async function unfit({ scheme, port, labels, health, caFile, ...config }: AnnounceConfig, host: string) {
  if (health === null) return null;
  const named = isIP(config.host) === 0 ? { [TLS_NAME_LABEL]: config.host, ...labels } : labels;
  try {
    // Read each time: the file may be renewed.
    return await checkHealth({ scheme, host, port, labels: named }, health, clientTls(caFile));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Others accept addresses only, since a name could be pointed anywhere later. Null when it does not resolve. */
async function resolve(host: string): Promise<string | null> {
  try {
    const [address = null] = await addressBook.addressesOf(host);
    return address;
  } catch {
    return null;
  }
}
