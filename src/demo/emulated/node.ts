// One emulated machine of the continuum: answers probes, runs instances, and announces itself and them to the broker, with
// a last will, as any node's qedge would. It can leave in good order, or crash.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MqttClient } from 'mqtt';
import type { Rng } from '../../core/rng.ts';
import { mqtt } from '../../packages.ts';
import { DistantServer } from './distant-server.ts';
import type { Link } from './link.ts';
import { LOOPBACK } from './loopback.ts';
import { EmulatedService } from './service.ts';
import { type DemoNode, type DemoService, TOPIC_PREFIX, WORK_VARIATION } from './topology.ts';

export interface EmulatedNodeOptions {
  readonly node: DemoNode;
  readonly services: readonly DemoService[];
  readonly brokerUrl: string;
  readonly rng: Rng;
  /** False for the node on which the real qedge runs: that one announces what is there. */
  readonly announced: boolean;
}

export class EmulatedNode {
  readonly node: DemoNode;
  readonly link: Link;
  /** By service name. */
  readonly instances = new Map<string, EmulatedService>();
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
    for (const service of options.services) {
      const meanMs = options.node.workMs[service.name];
      if (meanMs === undefined) continue;
      const work = { meanMs, variation: WORK_VARIATION };
      const started = { work, link: node.link, rng: options.rng, answer: service.answer };
      node.instances.set(service.name, await EmulatedService.start(started));
    }
    if (options.announced) await node.#announce(node.#probes.port);
    return node;
  }

  /** Power cut: connections reset, ports refuse, and the broker publishes the last will. */
  async crash(): Promise<void> {
    this.#mqtt?.end(true);
    await Promise.all([...this.instances.values()].map((instance) => instance.crash()));
    await this.#probes?.crash();
  }

  /** Leaves in good order: announcements first, servers after. */
  async close(): Promise<void> {
    await this.#withdraw();
    await Promise.all([...this.instances.values()].map((instance) => instance.close()));
    await this.#probes?.close();
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
    for (const [service, instance] of this.instances) {
      const payload = { host: LOOPBACK, port: instance.port, scheme: 'http', labels: { tier: this.node.tier }, boot };
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
