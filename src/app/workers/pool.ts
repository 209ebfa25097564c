// The workers, seen from the main thread: started together, sent the same messages, and added up for readers of the node as
// a whole. One that ends or hangs is replaced. With one event loop there is no worker pool and nothing here runs.

import { randomInt } from 'node:crypto';
import type { Worker } from 'node:worker_threads';
import type { Config } from '../../config/config.ts';
import type { ChainState } from '../../core/chain/chain.ts';
import type { InstanceKey } from '../../core/domain.ts';
import type { Summary } from '../../core/neighbours/summary.ts';
import { SharedFlights } from '../../core/router/shared-flights.ts';
import type { InstanceState, RouterEvent, ServiceOverview } from '../../core/service-router.ts';
import { CommandError } from '../../errors.ts';
import type { BoundListener } from '../../proxy/proxy.ts';
import { duplicateSocket, type InheritedSockets } from '../../systemd/sockets.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Counter, Metrics } from '../../telemetry/metrics.ts';
import type { FinishedAttempt } from '../data-plane/attempt-tap.ts';
import type { Answer, WorkerQuery } from '../data-plane/queries.ts';
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts';
import { ReplacementLimit } from './replacement-limit.ts';
import { type WorkerListener, WorkerThread } from './thread.ts';

export interface WorkerPoolOptions {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** What `sharedFlightsMemory` returned; absent or null: the event loops share nothing. */
  readonly flightsMemory?: SharedArrayBuffer | null;
  /** Starts a thread that runs worker.ts. */
  readonly startThread: (name: string, start: WorkerStart) => Worker;
  readonly onEvent: (service: string, event: RouterEvent) => void;
  /** Attempts of a service that is tapped. */
  readonly onAttempts: (service: string, attempts: readonly FinishedAttempt[]) => void;
  /** A worker ended and is not replaced: its share of the connections is not served, and only a restart brings it back. */
  readonly onLoss: (message: string) => void;
  readonly onLog: (lines: readonly string[]) => void;
  /** How a worker that takes the place of another starts, and what it has to hear before it listens. */
  readonly replacement: () => Replacement;
  /** How often the workers are looked at; each reports as often. A second when absent. */
  readonly roundMs?: number;
}

/** How a worker starts that takes the place of another. */
export interface Replacement {
  readonly config: Config;
  readonly messages: readonly ToWorker[];
  /** Where the main thread listens. */
  readonly listeners: readonly BoundListener[];
}

/** The place of one worker: threads come and go. */
interface Place {
  readonly name: string;
  /** Null between two threads. */
  thread: WorkerThread | null;
}

const ROUND_MS = 1_000;

/** A worker that does not answer within this is overloaded; the reader goes on without it. */
const ANSWER_MS_MAX = 1_000;

/** The workers beyond the main thread; none where there is one event loop. */
export class WorkerPool implements WorkerListener {
  readonly #options: WorkerPoolOptions;
  readonly #roundMs: number;
  readonly #places: Place[] = [];
  readonly #limit = new ReplacementLimit();
  readonly #replaced: Counter;
  readonly #asked = new Map<number, (answer: Answer | null) => void>();
  /** Version of qedge. */
  #version = '';
  #sockets: InheritedSockets = new Map();
  /** An inherited socket itself went to a thread, and is closed with it. */
  #gaveAway = false;
  #watch: NodeJS.Timeout | null = null;
  #queries = 0;
  #stopping = false;

  constructor(options: WorkerPoolOptions) {
    const { metrics, roundMs = ROUND_MS } = options;
    this.#options = options;
    this.#roundMs = roundMs;
    this.#replaced = metrics
      .counter({ name: 'qedge_workers_replaced_total', help: 'Event loops that ended or hung, and were replaced.' })
      .with();
    const absent = metrics.gauge({ name: 'qedge_workers_absent', help: 'Event loops that do not serve now.' }).with();
    metrics.onScrape(() => absent.set(this.absent.length));
  }

  /** Starts all workers beyond the main thread. They take messages at once, and requests once they `listen`. */
  spawn(config: Config, version: string): void {
    this.#version = version;
    for (let i = 1; i < config.proxy.workers; i++) {
      const place: Place = { name: `worker-${i}`, thread: null };
      this.#places.push(place);
      this.#start(place, config);
    }
  }

  /**
   * Waits until all listen where the main thread does.
   *
   * @throws CommandError when one cannot
   */
  async listen(shared: readonly BoundListener[], sockets: InheritedSockets): Promise<void> {
    assertEnoughSockets(this.#places.length + 1, sockets);
    this.#sockets = sockets;
    const threads = this.#places.map(({ name, thread }) => {
      if (thread === null) throw new CommandError(`${name} ended before it could listen`);
      return thread;
    });
    for (const place of this.#places) this.#shareListeners(place, shared);
    await Promise.all(threads.map(({ listening }) => listening));
    if (threads.length > 0) this.#watch = setInterval(() => this.#look(), this.#roundMs).unref();
  }

  /** Names of workers that do not serve now. */
  get absent(): readonly string[] {
    return this.#places.filter(({ thread }) => thread?.serves !== true).map(({ name }) => name);
  }

  /** False while a thread is there and says nothing: one that is being replaced is no reason to end the process. */
  get responsive(): boolean {
    return !this.#threads().some(({ isSilent }) => isSilent);
  }

  send(message: ToWorker): void {
    for (const thread of this.#threads()) thread.send(message);
  }

  /** What each worker last said of a service; up to a second old, up to four where nothing is asked of it. */
  overviewsOf(service: string): ServiceOverview[] {
    return this.#threads().flatMap(({ overviews }) => overviews.filter((one) => one.service === service));
  }

  /** The same of an instance, by each worker that knows it. */
  instancesOf(service: string, key: InstanceKey): InstanceState[] {
    return this.#threads().flatMap((thread) => thread.instance(service, key) ?? []);
  }

  /** The same of a chain. */
  statesOfChain(chain: string): ChainState[] {
    return this.#threads().flatMap(({ chains }) => chains.filter((state) => state.chain === chain));
  }

  /** When an instance last answered a worker, on the clock of the main thread; -Infinity: never, as far as they said. */
  answeredMs(service: string, key: InstanceKey): number {
    return Math.max(Number.NEGATIVE_INFINITY, ...this.#threads().map((thread) => thread.answeredMs(service, key)));
  }

  /** What each worker saw since this was asked last, by service. */
  takeSummaries(): ReadonlyMap<string, Summary>[] {
    return this.#threads().map((thread) => thread.takeSummaries());
  }

  /** What each worker answers; one that knows nothing of it, or says nothing in time, is left out. */
  async ask(query: WorkerQuery): Promise<Answer[]> {
    const answers = await Promise.all(this.#threads().map((thread) => this.#ask(thread, query)));
    return answers.flatMap((answer) => answer ?? []);
  }

  #ask(thread: WorkerThread, query: WorkerQuery): Promise<Answer | null> {
    const id = ++this.#queries;
    return new Promise<Answer | null>((resolve) => {
      this.#asked.set(id, resolve);
      setTimeout(resolve, ANSWER_MS_MAX, null).unref();
      thread.send({ kind: 'ask', id, query });
    }).finally(() => this.#asked.delete(id));
  }

  /** A worker that hangs is ended meanwhile. */
  async drain({ succeeded }: { readonly succeeded: boolean }): Promise<void> {
    this.#stopping = true;
    this.send({ kind: 'drain', succeeded });
    await Promise.all(this.#threads().map(({ ended }) => ended));
  }

  async close(): Promise<void> {
    this.#stopping = true;
    if (this.#watch !== null) clearInterval(this.#watch);
    await Promise.all(this.#threads().map((thread) => thread.terminate()));
  }

  #threads(): WorkerThread[] {
    return this.#places.flatMap(({ thread }) => thread ?? []);
  }

  #look(): void {
    for (const thread of this.#threads()) {
      if (!thread.round()) continue;
      this.#options.log.error({ worker: thread.name }, 'worker hangs and is ended');
      void thread.terminate();
    }
  }

  #start(place: Place, config: Config): WorkerThread {
    const start: WorkerStart = {
      config,
      version: this.#version,
      seed: randomInt(2 ** 31),
      timeOriginMs: performance.timeOrigin,
      loop: this.#loopOf(place),
      flightsMemory: this.#options.flightsMemory ?? null,
      reportMs: this.#roundMs,
    };
    const worker = this.#options.startThread(place.name, start);
    const thread = new WorkerThread(place.name, worker, this);
    place.thread = thread;
    void thread.ended.then((reason) => this.#lost(place, reason));
    return thread;
  }

  /** From 1 on: the first one is the main thread. */
  #loopOf({ name }: Place): number {
    return this.#places.findIndex((place) => place.name === name) + 1;
  }

  #shareListeners(place: Place, shared: readonly BoundListener[]): void {
    const index = this.#loopOf(place);
    const own = new Map([...this.#sockets].flatMap(([listener, fds]) => pairOf(listener, this.#copyOf(fds[index]))));
    place.thread?.send({ kind: 'listen', shared, sockets: own });
  }

  /** A thread closes its sockets when it ends: it gets a descriptor of its own, and the next one gets another. */
  #copyOf(fd: number | undefined): number | undefined {
    const copy = fd === undefined ? null : duplicateSocket(fd);
    if (fd !== undefined && copy === null) this.#gaveAway = true;
    return copy ?? fd;
  }

  #lost(place: Place, reason: string): void {
    place.thread = null;
    const { flightsMemory = null } = this.#options;
    if (flightsMemory !== null) new SharedFlights(flightsMemory, this.#loopOf(place)).clear();
    this.#options.metrics.retire(place.name);
    // Before all listen, the start as a whole fails.
    if (this.#stopping || this.#watch === null) return;
    const waitMs = this.#gaveAway ? null : this.#limit.lost(performance.now());
    if (waitMs === null) {
      this.#options.onLoss(`${place.name}: ${reason}`);
      return;
    }
    this.#options.log.error({ worker: place.name, reason, waitMs }, 'worker ended, another takes its place');
    setTimeout(() => this.#replace(place), waitMs).unref();
  }

  #replace(place: Place): void {
    if (this.#stopping) return;
    const { config, messages, listeners } = this.#options.replacement();
    let thread: WorkerThread;
    try {
      thread = this.#start(place, config);
    } catch (error) {
      this.#lost(place, error instanceof Error ? error.message : String(error));
      return;
    }
    for (const message of messages) thread.send(message);
    this.#shareListeners(place, listeners);
    const serves = (): void => {
      this.#replaced.increment();
      this.#options.log.info({ worker: place.name }, 'worker serves in place of one that ended');
    };
    // Should it end before, that is another loss.
    thread.listening.then(serves, () => {});
  }

  onError(error: unknown, { name }: WorkerThread): void {
    this.#options.log.error({ err: error, worker: name }, 'worker failed');
  }

  onMessage(message: FromWorker, from: WorkerThread): void {
    if (message.kind === 'log') this.#options.onLog(message.lines);
    if (message.kind === 'event') this.#options.onEvent(message.service, message.event);
    if (message.kind === 'answer') this.#asked.get(message.id)?.(message.answer);
    if (message.kind === 'attempts') this.#options.onAttempts(message.service, message.attempts);
    if (message.kind === 'instances') from.takeInstances(message);
    if (message.kind !== 'report') return;
    from.takeOverviews(message.overviews);
    from.chains = message.chains;
    from.addSummaries(message.summaries);
    this.#options.metrics.take(from.name, message.metrics);
  }
}

/** Listening sockets that a service manager opened cannot be shared between threads: each needs its own. */
export function assertEnoughSockets(dataPlanes: number, sockets: InheritedSockets): void {
  for (const [name, fds] of sockets) {
    if (name === 'admin' || fds.length >= dataPlanes) continue;
    throw new CommandError(
      `proxy.workers = ${dataPlanes} needs as many sockets named ${name}, got ${fds.length}: ` +
        'repeat ListenStream= in the socket unit, with ReusePort=yes',
    );
  }
}

const pairOf = (name: string, fd: number | undefined): [string, number][] => (fd === undefined ? [] : [[name, fd]]);
