// The workers, seen from the main thread: started together, sent the same messages, and added up for readers of the node as
// a whole. With one event loop there is no worker pool and nothing here runs.

import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { Config } from '../config/config.ts';
import type { RouterEvent, RouterState } from '../core/service-router.ts';
import { CommandError } from '../errors.ts';
import type { BoundListener } from '../proxy/proxy.ts';
import { startThread } from '../sea.ts';
import type { InheritedSockets } from '../systemd/sockets.ts';
import type { Logger } from '../telemetry/log.ts';
import type { MetricsExport } from '../telemetry/metrics.ts';
import type { FinishedTry } from './try-tap.ts';
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages.ts';
import type { Answer, WorkerQuery } from './worker-queries.ts';

export interface WorkerPoolOptions {
  readonly log: Logger;
  readonly onEvent: (service: string, event: RouterEvent) => void;
  readonly onMetrics: (worker: string, metrics: MetricsExport) => void;
  /** Tries of a service that is tapped. */
  readonly onTries: (service: string, tries: readonly FinishedTry[]) => void;
  /** A worker ended by itself: its share of the connections is not served, and only a restart brings it back. */
  readonly onLoss: (message: string) => void;
  readonly onLog: (lines: readonly string[]) => void;
}

interface Member {
  readonly name: string;
  readonly worker: Worker;
  readonly listening: Promise<void>;
  readonly ended: Promise<void>;
  states: readonly RouterState[];
  gone: boolean;
  /** When it last said anything; null before it listens. */
  heardMs: number | null;
}

/** A worker reports each second. One that is silent for so long does not serve, and the node is not ready. */
const SILENT_MS_MAX = 10_000;
/** It hangs for good, and takes its share of the connections with it: it is ended. */
const HANGING_MS_MAX = 30_000;
const WATCH_INTERVAL_MS = 1_000;

/** A worker that says nothing for so long is busy with worse; the reader goes on without it. */
const ANSWER_MS_MAX = 1_000;

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #members: Member[] = [];
  #watch: NodeJS.Timeout | null = null;
  readonly #asked = new Map<number, (answer: Answer | null) => void>();
  #questions = 0;
  #stopping = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Starts all workers beyond the main thread. They take messages at once, and requests once they `listen`. */
  spawn(config: Config, version: string): void {
    for (let i = 1; i < config.proxy.workers; i++) {
      this.#spawn(`worker-${i}`, { config, version, seed: randomInt(2 ** 31), timeOriginMs: performance.timeOrigin });
    }
  }

  /**
   * Waits until all listen where the main thread does.
   *
   * @throws CommandError when one cannot
   */
  async listen(shared: readonly BoundListener[], sockets: InheritedSockets): Promise<void> {
    assertEnoughSockets(this.#members.length + 1, sockets);
    this.#members.forEach(({ worker }, i) => {
      const own = new Map([...sockets].flatMap(([name, fds]) => pairOf(name, fds[i + 1])));
      worker.postMessage({ kind: 'listen', shared, sockets: own } satisfies ToWorker);
    });
    await Promise.all(this.#members.map(({ listening }) => listening));
    if (this.#members.length > 0) this.#watch = setInterval(() => this.#endHanging(), WATCH_INTERVAL_MS).unref();
  }

  /** Names of workers that are gone, or silent for too long. */
  get absent(): readonly string[] {
    return this.#members.filter((member) => member.gone || silentMs(member) > SILENT_MS_MAX).map(({ name }) => name);
  }

  #endHanging(): void {
    for (const member of this.#members) {
      if (member.gone || silentMs(member) < HANGING_MS_MAX) continue;
      this.#options.log.error({ worker: member.name, silentMs: HANGING_MS_MAX }, 'worker hangs, it is ended');
      member.heardMs = null;
      void member.worker.terminate();
    }
  }

  send(message: ToWorker): void {
    for (const { worker } of this.#members) worker.postMessage(message);
  }

  /** What each worker last said of a service; up to a second old. */
  statesOf(service: string): RouterState[] {
    return this.#members.flatMap(({ states }) => states.filter((state) => state.service === service));
  }

  /** What each worker answers; one that knows nothing of it, or says nothing in time, is left out. */
  async ask(question: WorkerQuery): Promise<Answer[]> {
    const present = this.#members.filter(({ gone }) => !gone);
    const answers = await Promise.all(present.map((member) => this.#ask(member, question)));
    return answers.flatMap((answer) => answer ?? []);
  }

  #ask({ worker }: Member, question: WorkerQuery): Promise<Answer | null> {
    const id = ++this.#questions;
    return new Promise<Answer | null>((resolve) => {
      this.#asked.set(id, resolve);
      setTimeout(resolve, ANSWER_MS_MAX, null).unref();
      worker.postMessage({ kind: 'ask', id, question } satisfies ToWorker);
    }).finally(() => this.#asked.delete(id));
  }

  async drain({ succeeded }: { readonly succeeded: boolean }): Promise<void> {
    this.#stop();
    this.send({ kind: 'drain', succeeded });
    await Promise.all(this.#members.map(({ ended }) => ended));
  }

  async close(): Promise<void> {
    this.#stop();
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
  }

  #stop(): void {
    this.#stopping = true;
    if (this.#watch !== null) clearInterval(this.#watch);
  }

  #spawn(name: string, start: WorkerStart): void {
    const source = join(import.meta.dirname, 'worker.ts');
    const worker = startThread({ script: 'worker', source, name, data: start });
    const listening = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const member: Member = {
      name,
      worker,
      listening: listening.promise,
      ended: ended.promise,
      states: [],
      gone: false,
      heardMs: null,
    };
    // What waits for it is called back; nothing may be waiting.
    listening.promise.catch(() => {});
    this.#members.push(member);
    worker.on('message', (message: FromWorker) => {
      member.heardMs = performance.now();
      if (message.kind === 'listening') listening.resolve();
      else if (message.kind === 'failed') listening.reject(new CommandError(message.message));
      else this.#hear(member, message);
    });
    worker.on('error', (error) => this.#options.log.error({ err: error, worker: name }, 'worker failed'));
    worker.on('exit', (code) => {
      const message = `${name} ended with status ${code}`;
      member.states = [];
      member.gone = true;
      listening.reject(new CommandError(message));
      ended.resolve();
      if (!this.#stopping) this.#options.onLoss(message);
    });
  }

  #hear(member: Member, message: FromWorker): void {
    if (message.kind === 'log') this.#options.onLog(message.lines);
    if (message.kind === 'event') this.#options.onEvent(message.service, message.event);
    if (message.kind === 'answer') this.#asked.get(message.id)?.(message.answer);
    if (message.kind === 'tries') this.#options.onTries(message.service, message.tries);
    if (message.kind !== 'report') return;
    member.states = message.states;
    this.#options.onMetrics(member.name, message.metrics);
  }
}

/** Before it listens a worker may take its time. */
const silentMs = ({ heardMs }: Member): number => (heardMs === null ? 0 : performance.now() - heardMs);

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
