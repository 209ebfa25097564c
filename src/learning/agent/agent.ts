// The agent of one node: runs the one command that its own configuration names while a task has a part for the node, with that part in
// its environment, and reports what the command says. What comes over the broker chooses values, never a command.

import type { LearningConfig, MqttConfig } from '../../config/config.ts';
import { hostOfUrl } from '../../config/values.ts';
import { createRng } from '../../core/rng.ts';
import type { AddressPolicy } from '../../placement/address-policy.ts';
import { BrokerConnection } from '../../placement/broker/connection.ts';
import { type Logger, RateLimitedLog } from '../../telemetry/log.ts';
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
  /** What the agent itself announces of the node, with a last will; absent where something else announces it. */
  readonly announcement?: { readonly topic: string; readonly payload: string };
}

/** A part that a new connection does not bring again is taken back after this long: its controller may come back later, ms. */
const UNHEARD_MS = 60_000;
/** Parts that are ignored are logged at most this often for each task, ms. */
const IGNORED_LOG_MS = 10_000;

/** What is to run: the part of a task, and the text that it came as. */
interface Wanted {
  readonly task: string;
  readonly part: Part;
  readonly text: string;
}

/** One node's agent. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #connection: BrokerConnection;
  readonly #ignored = new RateLimitedLog(IGNORED_LOG_MS);
  #wanted: Wanted | null = null;
  #running: { readonly wanted: Wanted; readonly process: ServiceProcess } | null = null;
  /** One change after the other: the command before has to let go of its port. */
  #isChanging = false;
  #changed: Promise<void> = Promise.resolve();
  /** Takes no part any more. */
  #stopped = false;
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
    this.#stopped = false;
    this.#connection.start();
  }

  /** Ends the command, and says goodbye. Never throws. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#unheard !== null) clearTimeout(this.#unheard);
    this.#unheard = null;
    const { announcement } = this.#options;
    this.#change(null);
    await this.#changed;
    if (announcement !== undefined) await this.#connection.publish(announcement.topic, '');
    await this.#connection.stop();
  }

  get #prefix(): string {
    return this.#options.mqtt.topicPrefix;
  }

  async #connected(): Promise<void> {
    const { node, announcement } = this.#options;
    if (announcement !== undefined) void this.#connection.publish(announcement.topic, announcement.payload);
    this.#unheard ??= setTimeout(() => this.#takeBack(), UNHEARD_MS).unref();
    await this.#connection.subscribe([partTopic(this.#prefix, '+', node)], 0);
  }

  /** The node is free: parts of other tasks that it refused meanwhile come again with a new subscription. */
  #takeBack(): void {
    this.#change(null);
    void this.#connection.subscribe([partTopic(this.#prefix, '+', this.#options.node)], 0);
  }

  #hear(topic: string, payload: Uint8Array): void {
    if (this.#stopped) return;
    const about = readTopic(this.#prefix, topic);
    if (about?.kind !== 'part' || about.node !== this.#options.node) return;
    const { task } = about;
    const read = readPart(payload);
    if (read === null) {
      if (this.#wanted?.task === task) this.#takeBack();
      return;
    }
    const wrong = 'wrong' in read ? read.wrong : this.#refusal(read.value, task);
    if (wrong !== null || 'wrong' in read) {
      const suppressed = this.#ignored.admit(task, performance.now());
      if (suppressed !== null) this.#options.log.warn({ task, reason: wrong, suppressed }, 'part of a task ignored');
      return;
    }
    if (this.#unheard !== null) clearTimeout(this.#unheard);
    this.#unheard = null;
    const text = Buffer.from(payload).toString('utf8');
    if (this.#wanted?.task === task && this.#wanted.text === text) return;
    this.#change({ task, part: read.value, text });
  }

  /** Why this part is not taken. */
  #refusal(part: Part, task: string): string | null {
    if (this.#wanted !== null && this.#wanted.task !== task) return `has a part in "${this.#wanted.task}" already`;
    if (part.role !== 'global-aggregator' && part.parent === undefined) return 'parent: nothing to send the model to';
    const urls = [part.parent === undefined ? [] : `http://${part.parent}`, part.snapshot_url ?? []].flat();
    for (const text of urls) {
      const refusal = this.#options.addresses.refusal(hostOfUrl(text), Number(new URL(text).port || 80));
      if (refusal !== null) return refusal;
    }
    return null;
  }

  #change(wanted: Wanted | null): void {
    this.#wanted = wanted;
    if (!this.#isChanging) this.#changed = this.#settle();
  }

  /** Ends what runs, and starts what is wanted by then: parts that come faster than commands end are passed over. */
  async #settle(): Promise<void> {
    this.#isChanging = true;
    while (this.#wanted !== (this.#running?.wanted ?? null)) {
      await this.#running?.process.stop();
      const wanted = this.#wanted;
      this.#running = wanted === null ? null : { wanted, process: this.#processOf(wanted) };
      this.#running?.process.start();
    }
    this.#isChanging = false;
  }

  #processOf({ task, part }: Wanted): ServiceProcess {
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
    const whole = JSON.stringify({ ...reportIn(line), generation });
    const text =
      Buffer.byteLength(whole) > REPORT_BYTES_MAX ? JSON.stringify({ ...unreadable(line), generation }) : whole;
    this.#waiting = { topic: progressTopic(this.#prefix, task, this.#options.node), text };
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
    return unreadable(line);
  }
}

const unreadable = (line: string): object => ({ unreadable: line.slice(0, 200) });
