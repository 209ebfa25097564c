// One emulated machine of the continuum: answers probes, runs instances, and announces itself and them to the broker, with
// a last will, as any node's qedge would. It can leave in good order, or crash.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MqttClient } from 'mqtt';
import type { Rng } from '../../core/rng.ts';
import { mqtt } from '../../packages.ts';
import type { DemoModel, DemoNode } from '../scenes/scene.ts';
import { DistantServer } from './distant-server.ts';
import type { Link } from './link.ts';
import { LOOPBACK } from './loopback.ts';
import { EmulatedService } from './service.ts';

/** Where nodes announce themselves; the proxy's default. */
export const TOPIC_PREFIX = 'qedge/v1';
/** Coefficient of variation of the processing times. */
const WORK_VARIATION = 0.12;

export interface EmulatedNodeOptions {
  readonly node: DemoNode;
  readonly brokerUrl: string;
  readonly rng: Rng;
  /** False for the node on which the real qedge runs: that one announces what is there. */
  readonly announced: boolean;
}

/** A model at work for one of its services. */
export interface EmulatedInstance {
  readonly model: DemoModel;
  readonly server: EmulatedService;
}

export class EmulatedNode {
  readonly node: DemoNode;
  readonly link: Link;
  /** By service name; those of one model have one server. */
  readonly instances = new Map<string, EmulatedInstance>();
  readonly #options: EmulatedNodeOptions;
  #probes: DistantServer | null = null;
  #mqtt: MqttClient | null = null;

  private constructor(options: EmulatedNodeOptions) {
    this.#options = options;
    this.node = options.node;
    this.link = { oneWayMs: options.node.rttMs / 2, jitterMs: options.node.jitterMs };
  }

  /** Starts the node's servers and announces them; resolves once the broker has taken the announcement. */
  static async start(options: EmulatedNodeOptions): Promise<EmulatedNode> {
    const node = new EmulatedNode(options);
    node.#probes = await DistantServer.start({ link: node.link, rng: options.rng, handler: answerProbe });
    for (const model of options.node.models) {
      const work = { meanMs: model.workMs, variation: WORK_VARIATION };
      const server = await EmulatedService.start({ work, link: node.link, rng: options.rng, answer: model.answer });
      for (const service of model.services) node.instances.set(service, { model, server });
    }
    if (options.announced) await node.#announce(node.#probes.port);
    return node;
  }

  /** Power cut: connections reset, ports refuse, and the broker publishes the last will. */
  async crash(): Promise<void> {
    this.#mqtt?.end(true);
    await Promise.all(this.#servers.map((server) => server.crash()));
    await this.#probes?.crash();
  }

  /** Leaves in good order: announcements first, servers after. */
  async close(): Promise<void> {
    await this.#withdraw();
    await Promise.all(this.#servers.map((server) => server.close()));
    await this.#probes?.close();
  }

  get #servers(): readonly EmulatedService[] {
    return [...new Set([...this.instances.values()].map(({ server }) => server))];
  }

  async #announce(probePort: number): Promise<void> {
    const boot = randomUUID();
    this.#mqtt = await mqtt().connectAsync(this.#options.brokerUrl, {
      clientId: `demo-${this.node.id}-${boot.slice(0, 8)}`,
      reconnectPeriod: 0,
      will: { topic: this.#nodeTopic(), payload: Buffer.alloc(0), qos: 1, retain: true },
    });
    await this.#publish(this.#nodeTopic(), {
      address: LOOPBACK,
      probe_port: probePort,
      tier: this.node.tier,
      labels: {},
      boot,
    });
    for (const [service, { model, server }] of this.instances) {
      const labels = { tier: this.node.tier };
      const profile = model.profile ?? undefined;
      const payload = { host: LOOPBACK, port: server.port, scheme: 'http', labels, profile, boot };
      await this.#publish(this.#instanceTopic(service), payload);
    }
  }

  async #withdraw(): Promise<void> {
    for (const service of this.instances.keys()) await this.#publish(this.#instanceTopic(service), null);
    await this.#publish(this.#nodeTopic(), null);
    await this.#mqtt?.endAsync();
  }

  async #publish(topic: string, payload: object | null): Promise<void> {
    const text = payload === null ? '' : JSON.stringify(payload);
    await this.#mqtt?.publishAsync(topic, text, { qos: 1, retain: true });
  }

  #nodeTopic(): string {
    return `${TOPIC_PREFIX}/nodes/${this.node.id}`;
  }

  #instanceTopic(service: string): string {
    return `${this.#nodeTopic()}/services/${service}/instances/${service}`;
  }
}

function answerProbe(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(request.method === 'GET' && request.url === '/-/ping' ? 204 : 404).end();
}
