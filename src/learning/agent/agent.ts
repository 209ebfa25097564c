// The agent of one node: runs the one command that its own configuration names while a task has a part for the node, with that part in
// its environment, and reports what the command says. What comes over the broker chooses values, never a command.

import type { LearningConfig, MqttConfig } from '../../config/config.ts';
import { createRng } from '../../core/rng.ts';
import type { AddressPolicy } from '../../placement/address-policy.ts';
import { BrokerConnection } from '../../placement/broker/connection.ts';
import type { Logger } from '../../telemetry/log.ts';
import { type Part, REPORT_BYTES_MAX, readPart } from '../messages/payloads.ts';
import { partTopic, progressTopic, readTopic } from '../messages/topics.ts';
import { environmentOf } from './environment.ts';
import { ServiceProcess } from './service-process.ts';

export interface AgentOptions {
  readonly node: string;
  /** Where others reach this node. */
  readonly host: string;
  readonly learning: LearningConfig;
  readonly mqtt: MqttConfig;
  /** Which addresses the command may be sent to. */
  readonly addresses: AddressPolicy;
  readonly log: Logger;
  /** Said of the node by the agent itself, with a last will; absent where something else announces the node. */
  readonly announcement?: { readonly topic: string; readonly payload: string };
}

/** A part that a new connection does not bring again is taken back after this long: its controller may come back later, ms. */
const UNHEARD_MS = 60_000;

interface Running {
  readonly task: string;
  readonly part: Part;
  readonly text: string;
  readonly process: ServiceProcess;
}

/** One node's agent. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #connection: BrokerConnection;
  #running: Running | null = null;
  /** One change after the other: the command before has to let go of its port. */
  #changing: Promise<void> = Promise.resolve();
  #unheard: NodeJS.Timeout | null = null;
  /** Reports wait for the one before them, the newest alone. */
  #waiting: { readonly topic: string; readonly text: string } | null = null;
  #isReporting = false;

  constructor(options: AgentOptions) {
    const { mqtt, node, log, announcement } = options;
    this.#options = options;
    this.#connection = new BrokerConnection({
      config: { ...mqtt, clientId: `${mqtt.clientId}-fl` },
      willTopic: announcement?.topic ?? null,
      clock: { nowMs: () => performance.now() },
      rng: createRng(process.pid + node.length),
      log,
      onConnect: () => void this.#connected(),
      onDisconnect: () => {},
      onMessage: ({ topic, payload }) => this.#hear(topic, payload),
    });
  }

  start(): void {
    this.#connection.start();
  }

  /** Ends the command, and says goodbye. */
  async stop(): Promise<void> {
    if (this.#unheard !== null) clearTimeout(this.#unheard);
    this.#unheard = null;
    const { announcement } = this.#options;
    this.#change(null);
    await this.#changing;
    if (announcement !== undefined) await this.#connection.publish(announcement.topic, '');
    await this.#connection.stop();
  }

  get #prefix(): string {
    return this.#options.mqtt.topicPrefix;
  }

  async #connected(): Promise<void> {
    const { node, announcement } = this.#options;
    if (announcement !== undefined) void this.#connection.publish(announcement.topic, announcement.payload);
    this.#unheard ??= setTimeout(() => this.#change(null), UNHEARD_MS).unref();
    await this.#connection.subscribe([partTopic(this.#prefix, '+', node)], 0);
  }

  #hear(topic: string, payload: Uint8Array): void {
    const about = readTopic(this.#prefix, topic);
    if (about?.kind !== 'part' || about.node !== this.#options.node) return;
    const { task } = about;
    const { log } = this.#options;
    const read = readPart(payload);
    if (read === null) {
      if (this.#running?.task === task) this.#change(null);
      return;
    }
    const wrong = 'wrong' in read ? read.wrong : this.#refusal(read.value, task);
    if (wrong !== null || 'wrong' in read) {
      log.warn({ task, reason: wrong }, 'part of a task ignored');
      return;
    }
    if (this.#unheard !== null) clearTimeout(this.#unheard);
    this.#unheard = null;
    const text = Buffer.from(payload).toString('utf8');
    if (this.#running?.task === task && this.#running.text === text) return;
    this.#change({ task, part: read.value, text });
  }

  /** Why this part is not taken. */
  #refusal(part: Part, task: string): string | null {
    if (this.#running !== null && this.#running.task !== task) return `has a part in "${this.#running.task}" already`;
    if (part.role !== 'global-aggregator' && part.parent === undefined) return 'parent: nothing to send the model to';
    const urls = [part.parent === undefined ? [] : `http://${part.parent}`, part.snapshot_url ?? []].flat();
    for (const text of urls) {
      const { hostname, port } = new URL(text);
      const refusal = this.#options.addresses.refusal(hostname.replace(/^\[(.*)\]$/, '$1'), Number(port || 80));
      if (refusal !== null) return refusal;
    }
    return null;
  }

  /** Ends what runs, and starts what is to run. */
  #change(next: Omit<Running, 'process'> | null): void {
    const before = this.#running;
    const process = next === null ? null : this.#processOf(next);
    this.#running = next === null || process === null ? null : { ...next, process };
    this.#changing = this.#changing.then(async () => {
      await before?.process.stop();
      // Another change may have come meanwhile.
      if (process !== null && this.#running?.process === process) process.start();
    });
  }

  #processOf({ task, part }: Omit<Running, 'process'>): ServiceProcess {
    const { node, host, learning, log } = this.#options;
    const { command, port, samples } = learning;
    const { generation, role, parent } = part;
    log.info({ task, generation, role, parent }, 'fl command starts');
    return new ServiceProcess({
      command,
      environment: environmentOf(part, { task, node, host, port, samples }),
      log,
      onLine: (line) => this.#report(task, generation, line),
    });
  }

  /** A line of JSON is a report; anything else is for people. */
  #report(task: string, generation: number, line: string): void {
    if (!line.startsWith('{')) {
      this.#options.log.info({ line }, 'fl command says');
      return;
    }
    const text = JSON.stringify({ ...reportIn(line), generation });
    this.#waiting = {
      topic: progressTopic(this.#prefix, task, this.#options.node),
      text: text.slice(0, REPORT_BYTES_MAX),
    };
    if (!this.#isReporting) void this.#sendReports();
  }

  async #sendReports(): Promise<void> {
    this.#isReporting = true;
    while (this.#waiting !== null) {
      const { topic, text } = this.#waiting;
      this.#waiting = null;
      await this.#connection.publish(topic, text);
    }
    this.#isReporting = false;
  }
}

/** What is no JSON is passed on as such: the controller counts it. */
function reportIn(line: string): object {
  try {
    return JSON.parse(line) as object;
  } catch {
    return { unreadable: line.slice(0, 200) };
  }
}
