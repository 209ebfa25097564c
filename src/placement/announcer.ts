// Speaks for this node: announces it and its healthy instances, takes back what fails its checks, and on stop takes back
// everything. What is to be said is kept here and said anew on each connection, instances first: whoever sees the node
// in a snapshot may then take it that its instances are in it as well.

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { AnnounceConfig } from '../config/config.ts';
import type { Instance, Node, NodePressure } from '../core/domain.ts';
import type { Rng } from '../core/rng.ts';
import type { Logger } from '../telemetry/log.ts';
import { encodeInstance, encodeNode } from './announcement.ts';
import { checkHealth } from './health-check.ts';
import { instanceTopic, nodeTopic } from './topics.ts';

export interface AnnouncerOptions {
  readonly prefix: string;
  /** This node as it is to be announced; null when it does not announce itself. */
  readonly node: Node | null;
  readonly nodeId: string;
  readonly boot: string;
  readonly announce: readonly AnnounceConfig[];
  readonly rng: Rng;
  readonly log: Logger;
  /** Publishes retained; resolves to whether the broker took it. */
  readonly publish: (topic: string, payload: string) => Promise<boolean>;
  /** An own instance became fit for traffic, or unfit: known here without any broker. */
  readonly onLocal: (instance: Instance, up: boolean) => void;
}

interface Local {
  readonly config: AnnounceConfig;
  /** As announced; null while it is not fit. */
  instance: Instance | null;
  failures: number;
  timer: NodeJS.Timeout | null;
}

/** A name that does not resolve is asked for again after this, ms. */
const RESOLVE_AGAIN_MS = 5_000;
/** Checks are this share early or late, so that they do not all come at once. */
const JITTER_RATIO = 0.1;

export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #locals: readonly Local[];
  #node: Node | null;
  #running = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#node = options.node;
    this.#locals = options.announce.map((config) => ({ config, instance: null, failures: 0, timer: null }));
  }

  start(): void {
    this.#running = true;
    for (const local of this.#locals) void this.#check(local);
  }

  /** Says everything anew. */
  async announceAll(): Promise<void> {
    const instances = this.#locals.flatMap(({ instance }) => (instance === null ? [] : [instance]));
    await Promise.all(instances.map((instance) => this.#publishInstance(instance)));
    await this.#publishNode();
  }

  /** Checks nothing any more, and so says nothing new. */
  stop(): void {
    this.#running = false;
    for (const { timer } of this.#locals) if (timer !== null) clearTimeout(timer);
  }

  /** Takes everything back, the node last. */
  async takeBack(): Promise<void> {
    const { publish, prefix, nodeId } = this.#options;
    const instances = this.#locals.flatMap(({ instance }) => (instance === null ? [] : [instance]));
    await Promise.all(instances.map(({ service, id }) => publish(instanceTopic(prefix, nodeId, service, id), '')));
    if (this.#node !== null) await publish(nodeTopic(prefix, nodeId), '');
  }

  /** Announces the node again with how hard pressed it is. */
  async announcePressure(pressure: NodePressure): Promise<void> {
    if (this.#node === null) return;
    this.#node = { ...this.#node, pressure };
    await this.#publishNode();
  }

  /** Whether this process announces that instance now. */
  announces(service: string, id: string): boolean {
    return this.#locals.some(({ instance }) => instance?.service === service && instance.id === id);
  }

  get node(): Node | null {
    return this.#node;
  }

  async #publishNode(): Promise<void> {
    if (this.#node === null) return;
    const address = this.#node.address === null ? null : await resolve(this.#node.address);
    await this.#options.publish(nodeTopic(this.#options.prefix, this.#node.id), encodeNode({ ...this.#node, address }));
  }

  #publishInstance(instance: Instance): Promise<boolean> {
    const { publish, prefix, boot } = this.#options;
    const topic = instanceTopic(prefix, instance.nodeId, instance.service, instance.id);
    return publish(topic, encodeInstance(instance, boot));
  }

  async #check(local: Local): Promise<void> {
    const { config } = local;
    const host = await resolve(config.host);
    const reason =
      host === null
        ? `host ${JSON.stringify(config.host)} does not resolve`
        : config.health === null
          ? null
          : await checkHealth({ ...config, host }, config.health);
    if (!this.#running) return;
    if (reason === null && host !== null) this.#pass(local, host);
    else this.#fail(local, reason ?? '');
    const againMs = config.health?.intervalMs ?? (host === null ? RESOLVE_AGAIN_MS : null);
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
    this.#options.log.info({ service, instance: id }, 'instance announced');
    this.#options.onLocal(instance, true);
    void this.#publishInstance(instance);
  }

  #fail(local: Local, reason: string): void {
    local.failures++;
    const { instance, config } = local;
    const { service, id } = config;
    if (instance === null) {
      if (local.failures === 1)
        this.#options.log.warn({ service, instance: id, reason }, 'instance not fit to announce');
      return;
    }
    if (local.failures < (config.health?.failuresMax ?? 1)) return;
    local.instance = null;
    this.#options.log.warn({ service, instance: id, reason }, 'instance withdrawn');
    this.#options.onLocal(instance, false);
    void this.#options.publish(instanceTopic(this.#options.prefix, this.#options.nodeId, service, id), '');
  }
}

/** Others accept addresses only, since a name could be pointed anywhere later. Null when it does not resolve. */
async function resolve(host: string): Promise<string | null> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch {
    return null;
  }
}
