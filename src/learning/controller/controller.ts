// The controller of one task, over MQTT: claims it, and while it has it carries out what the course says; otherwise it waits, with a
// copy of the newest snapshot, for the one that has it to go.

import { randomUUID } from 'node:crypto';
import type { MqttConfig } from '../../config/config.ts';
import { createRng } from '../../core/rng.ts';
import { BrokerConnection } from '../../placement/broker/connection.ts';
import type { InboxMessage } from '../../placement/broker/inbox.ts';
import { type Logger, RateLimitedLog } from '../../telemetry/log.ts';
import { type Progress, readClaim, readOffer, readProgress, readState, type TaskState } from '../messages/payloads.ts';
import { controllerTopic, partTopic, progressTopic, readTopic, stateTopic } from '../messages/topics.ts';
import { Board } from './board.ts';
import { type ClaimAction, Claimant } from './claim.ts';
import { Course, type Step } from './course.ts';
import { Ignored } from './ignored.ts';
import { ModelKeeper } from './model-keeper.ts';
import { Offers } from './offers.ts';
import { partsOf } from './parts.ts';
import type { Finding, Question } from './search/find.ts';
import { Searcher } from './search/searcher.ts';
import type { LearningTask } from './task-file.ts';

export interface ControllerOptions {
  readonly task: LearningTask;
  readonly log: Logger;
  /** Forgets an earlier run of the task: its state, and its snapshots; not one that another controller has at work. */
  readonly fresh: boolean;
  /** Called with every state that is published. */
  readonly onState?: (state: TaskState) => void;
}

/** How a controller ended. */
export type ControllerEnd =
  | { readonly kind: 'done'; readonly state: TaskState }
  /** Stopped by a signal; the task goes on. */
  | { readonly kind: 'stopped' };

const TICK_MS = 100;
/** After a new connection the nodes are all heard by then, ms; what was seen before it is not taken in sooner. */
const RETAINED_MS = 1_000;
/** Something that changes nothing is logged at most this often for each node, ms. */
const NONSENSE_LOG_MS = 10_000;

/** One controller of one task. */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #connection: BrokerConnection;
  readonly #claim: Claimant;
  readonly #models: ModelKeeper;
  readonly #offers: Offers;
  readonly #board: Board;
  readonly #nonsense = new RateLimitedLog(NONSENSE_LOG_MS);
  readonly #ended = Promise.withResolvers<ControllerEnd>();
  readonly #searcher = new Searcher((error) => this.#ended.reject(error));
  readonly #ignored = new Ignored((node, reason) => this.#warn(node, reason));
  /** Whether an earlier run is to be forgotten when this controller begins. */
  #fresh: boolean;
  #timer: NodeJS.Timeout | null = null;
  /** Null while another has the task. */
  #course: Course | null = null;
  /** As it is retained. */
  #state: TaskState | null = null;
  #addresses: ReadonlyMap<string, string> = new Map();
  /** What the nodes were at the last look, since when, and whether the course knows it. */
  #seen = { fingerprint: '', sinceMs: 0, isTaken: false };
  #connectedMs = 0;
  /** Something of this course may not have reached the broker: it is said again once the claim came back. */
  #unsaid: Course | null = null;

  constructor(options: ControllerOptions) {
    const { task, log } = options;
    this.#options = options;
    this.#fresh = options.fresh;
    this.#offers = new Offers(task.nodes);
    const id = `${process.pid}-${randomUUID().slice(0, 8)}`;
    this.#claim = new Claimant(id);
    this.#models = new ModelKeeper({
      task,
      log,
      rounds: () => ({ round: this.#course?.state.round ?? 0, roundMax: this.#course?.roundMax ?? 0 }),
    });
    const config: MqttConfig = { ...task.mqtt, clientId: `qedge-fl-${task.name}-${id}` };
    this.#connection = new BrokerConnection({
      config,
      willTopic: controllerTopic(config.topicPrefix, task.name),
      clock: { nowMs: () => performance.now() },
      rng: createRng(process.pid),
      log,
      onConnect: () => void this.#connected(),
      onDisconnect: () => this.#claim.disconnected(),
      onMessage: (message) => this.#hear(message),
    });
    this.#board = new Board({
      connection: this.#connection,
      prefix: config.topicPrefix,
      task: task.name,
      onState: (state) => options.onState?.(state),
    });
  }

  /** @throws CommandError where the port or the directory of the snapshots cannot be had, also later on */
  async run(): Promise<ControllerEnd> {
    await this.#models.start();
    this.#connection.start();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    try {
      return await this.#ended.promise;
    } finally {
      clearInterval(this.#timer);
      this.#searcher.stop();
      await this.#farewell();
    }
  }

  /** Gives the task up for another controller, which goes on with it. */
  stop(): void {
    this.#ended.resolve({ kind: 'stopped' });
  }

  get #prefix(): string {
    return this.#options.task.mqtt.topicPrefix;
  }

  async #connected(): Promise<void> {
    const { name } = this.#options.task;
    // No message says what went away meanwhile: all is heard again.
    this.#offers.clear();
    this.#connectedMs = performance.now();
    const filters = [
      controllerTopic(this.#prefix, name),
      stateTopic(this.#prefix, name),
      `${this.#prefix}/nodes/+`,
      progressTopic(this.#prefix, name, '+'),
      partTopic(this.#prefix, name, '+'),
    ];
    if (!(await this.#connection.subscribe(filters, 0))) return;
    this.#act(this.#claim.connected(performance.now()));
    this.#unsaid = this.#course;
  }

  #hear({ topic, payload }: InboxMessage): void {
    const about = readTopic(this.#prefix, topic);
    if (about === null) return;
    if (about.kind === 'node') this.#hearNode(about.node, payload);
    else if (about.task !== this.#options.task.name) return;
    else if (about.kind === 'controller') this.#hearClaim(payload);
    else if (about.kind === 'state') this.#hearState(payload);
    else if (about.kind === 'progress') this.#hearProgress(about.node, payload);
    else if (about.kind === 'part') this.#board.hearPart(about.node, payload);
  }

  #hearNode(node: string, payload: Uint8Array): void {
    const read = payload.length === 0 ? { value: null } : readOffer(node, payload);
    if ('wrong' in read) this.#ignored.add(node, read.wrong);
    const offer = 'wrong' in read ? null : read.value;
    if (offer === null) this.#offers.delete(node);
    else {
      const refusal = this.#offers.set(offer);
      if (refusal !== null) this.#ignored.add(node, refusal);
    }
  }

  #hearClaim(payload: Uint8Array): void {
    const read = readClaim(payload);
    if (read !== null && 'wrong' in read) this.#ignored.add('controller', read.wrong);
    else this.#act(this.#claim.heard(read?.value ?? null, performance.now()));
    if (!this.#fresh || !this.#claim.isHolderAlive) return;
    this.#fresh = false;
    this.#options.log.warn({ holder: this.#claim.holder?.id }, 'the task runs already, nothing of it is forgotten');
  }

  #hearState(payload: Uint8Array): void {
    if (this.#course !== null) return;
    const read = readState(payload);
    if (read !== null && 'wrong' in read) this.#ignored.add('state', read.wrong);
    this.#state = read !== null && 'value' in read ? read.value : null;
    if (this.#state?.phase === 'done' && !this.#fresh) this.#ended.resolve({ kind: 'done', state: this.#state });
    else void this.#models.copy(this.#state?.snapshot ?? null);
  }

  #hearProgress(node: string, payload: Uint8Array): void {
    if (this.#course === null) return;
    const read = readProgress(payload);
    if (read === null) return;
    if ('wrong' in read) this.#ignored.add(node, read.wrong);
    else this.#judge(this.#course, node, read.value);
  }

  #judge(course: Course, node: string, report: Progress): void {
    const before = course.state.round;
    course.progress(node, report);
    const { round, accuracy, loss, spent } = course.state;
    if (round > before) this.#options.log.info({ round, accuracy, loss, spent: Math.round(spent) }, 'round done');
  }

  #warn(node: string, reason: string): void {
    const suppressed = this.#nonsense.admit(node, performance.now());
    if (suppressed !== null) this.#options.log.warn({ about: node, reason, suppressed }, 'report ignored');
  }

  #act(actions: readonly ClaimAction[]): void {
    for (const action of actions) {
      if (action === 'publish') this.#board.claim(this.#claim.claim);
      else if (action === 'begin') this.#begin().catch((error: unknown) => this.#ended.reject(error));
      else this.#yield();
    }
  }

  async #begin(): Promise<void> {
    const { task, log } = this.#options;
    const fresh = this.#fresh;
    await this.#models.take(fresh ? 'forget' : Math.max(this.#state?.round ?? 0, this.#state?.snapshot?.round ?? 0));
    if (!this.#claim.isHolding) return;
    this.#fresh = false;
    const restored = fresh ? null : this.#state;
    const generation = Math.max(this.#board.generation, this.#state?.generation ?? 0);
    log.info({ task: task.name, term: this.#claim.claim.term, round: this.#models.round }, 'controller has the task');
    if (restored !== null) this.#ignored.restore(restored.ignored);
    const { request, ends, settleMs } = task;
    const snapshotRound = (): number => this.#models.round;
    const find = (question: Question): Finding | null => this.#searcher.find(question);
    const options = { request, ends, settleMs, generation, snapshotRound, find, ignored: this.#ignored };
    this.#course = new Course(options, restored);
    this.#seen.isTaken = false;
  }

  #yield(): void {
    this.#options.log.warn({ holder: this.#claim.holder?.id }, 'another controller has the task');
    this.#course = null;
    this.#searcher.stop();
    this.#models.refuse();
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#act(this.#claim.tick(nowMs));
    const areHeard = nowMs - this.#connectedMs >= RETAINED_MS;
    if (areHeard) this.#look(nowMs);
    if (this.#course === null || !this.#claim.isHolding) return;
    if (this.#unsaid === this.#course) this.#board.again();
    this.#unsaid = null;
    if (areHeard && !this.#seen.isTaken) this.#take(this.#course);
    const step = this.#course.tick(nowMs);
    if (step !== null) this.#carryOut(step);
    else if (this.#course.state.phase === 'training')
      for (const node of this.#board.repeat()) this.#ignored.add(node, 'another one wrote over its part');
    this.#state = this.#stateOf(this.#course);
    this.#board.state(this.#state);
  }

  /** Whether the nodes are others than at the last look; while another has the task as well, so that the next one need not wait. */
  #look(nowMs: number): void {
    const { fingerprint } = this.#offers;
    if (fingerprint !== this.#seen.fingerprint) this.#seen = { fingerprint, sinceMs: nowMs, isTaken: false };
  }

  #take(course: Course): void {
    this.#seen.isTaken = true;
    const moved = [...this.#addresses].some(([node, address]) => (this.#offers.addressOf(node) ?? address) !== address);
    const atWork = course.state.configuration?.global ?? null;
    const nodes = this.#offers.topology(atWork, (node, reason) => this.#ignored.add(node, reason));
    course.nodesAre(nodes, moved, this.#seen.sinceMs);
  }

  #carryOut(step: Step): void {
    const { log } = this.#options;
    if (step.kind === 'end') {
      this.#ended.resolve({ kind: 'done', state: this.#stateOf(this.#course as Course) });
    } else if (step.kind === 'halt') {
      log.warn({ reason: this.#course?.state.reason }, 'task waits');
      this.#models.refuse();
      this.#board.parts(new Map());
    } else this.#deploy(step);
  }

  #deploy({ configuration, generation, round }: Extract<Step, { readonly kind: 'deploy' }>): void {
    const snapshotUrl = this.#models.admit();
    const addressOf = (node: string): string => this.#offers.addressOf(node) ?? '';
    const parts = partsOf(configuration, { generation, round, snapshotUrl, addressOf });
    this.#addresses = new Map([...parts.keys()].map((node) => [node, addressOf(node)]));
    const { global: _, clusters, ...figures } = configuration;
    const words = clusters.map(({ aggregator, clients }) => `${aggregator}: ${clients.join(' ')}`);
    const { reason } = this.#course?.state ?? {};
    this.#options.log.info({ generation, round, clusters: words, ...figures, reason }, 'generation begins');
    this.#board.parts(new Map([...parts].map(([node, part]) => [node, JSON.stringify(part)])));
  }

  #stateOf(course: Course): TaskState {
    return { ...course.state, snapshot: this.#models.newest };
  }

  async #farewell(): Promise<void> {
    const { isClaimed, isHolding } = this.#claim;
    // What is taken back now is not heard as something to say again.
    this.#claim.disconnected();
    if (isClaimed) await this.#board.farewell(isHolding && this.#course !== null ? this.#stateOf(this.#course) : null);
    await this.#connection.stop();
    await this.#models.close();
  }
}
