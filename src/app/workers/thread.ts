// One worker, seen from the main thread: what it said last, whether it still speaks, and how it ended.

import type { Worker } from 'node:worker_threads';
import type { ChainState } from '../../core/chain/chain.ts';
import type { InstanceKey } from '../../core/domain.ts';
import type { Summary } from '../../core/neighbours/summary.ts';
import type { InstanceState, ServiceOverview } from '../../core/service-router.ts';
import { CommandError } from '../../errors.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { SeenByWorker, type Summaries } from './seen-by-worker.ts';

/** Rounds of the watch. A worker that was asked for anything of late says something in each; one that says nothing is told to. */
const QUIET_ROUNDS_MAX = 4;
/**
 * Rounds without a word after which it counts as absent; where it rests, from when it was told to report. A process that was suspended has
 * missed none of its own.
 */
const SILENT_ROUNDS_MAX = 5;
/** Rounds without a word after which it hangs for good and is ended: before the watchdog would end the process for it. */
const HANGING_ROUNDS_MAX = 10;
/** Rounds in which it has to be compiled and to listen, on a slow card. */
const START_ROUNDS_MAX = 30;

const NOTHING: Summaries = new Map();

export interface WorkerListener {
  /** What it says beyond being alive. */
  onMessage(message: FromWorker, from: WorkerThread): void;
  /** What ends it. */
  onError(error: unknown, from: WorkerThread): void;
}

export class WorkerThread {
  readonly name: string;
  /** Rejects with `CommandError` when it cannot listen, or ends before. */
  readonly listening: Promise<void>;
  /** Resolves with the reason when it is gone. */
  readonly ended: Promise<string>;
  /** What it last said of each service. */
  overviews: readonly ServiceOverview[] = [];
  chains: readonly ChainState[] = [];
  /** By service: its instances as they were last said, and those of them that were said since. */
  readonly #instances = new Map<string, ReadonlyMap<InstanceKey, InstanceState>>();
  readonly #coming = new Map<string, Map<InstanceKey, InstanceState>>();
  /** By service: when its instances were read, on the clock of the main thread. */
  readonly #saidMs = new Map<string, number>();
  readonly #seen = new SeenByWorker();
  readonly #worker: Worker;
  /** Rounds since it last said anything. */
  #silentRounds = HANGING_ROUNDS_MAX - START_ROUNDS_MAX;
  /** As it last said, and it was not told to report since. */
  #rests = false;
  #serves = false;

  constructor(name: string, worker: Worker, listener: WorkerListener) {
    this.name = name;
    this.#worker = worker;
    const listening = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<string>();
    this.listening = listening.promise;
    this.ended = ended.promise;
    // What waits for it is called back; nothing may be waiting.
    listening.promise.catch(() => {});
    let failure: string | null = null;
    worker.on('message', (message: FromWorker) => {
      this.#silentRounds = Math.min(this.#silentRounds, 0);
      if (message.kind === 'report') this.#rests = message.rests;
      if (message.kind === 'listening') {
        this.#serves = true;
        this.#silentRounds = 0;
        listening.resolve();
      } else if (message.kind === 'failed') failure = message.message;
      else listener.onMessage(message, this);
    });
    worker.on('error', (error) => {
      listener.onError(error, this);
      failure = error instanceof Error ? error.message : String(error);
    });
    worker.once('exit', (code) => {
      this.#serves = false;
      this.overviews = [];
      this.#instances.clear();
      this.chains = [];
      listening.reject(new CommandError(failure ?? `${name} ended with status ${code}`));
      ended.resolve(failure ?? `it ended with status ${code}`);
    });
  }

  /** It listens, and says so. */
  get serves(): boolean {
    return this.#serves && !this.isSilent;
  }

  get isSilent(): boolean {
    return this.#silentRounds > SILENT_ROUNDS_MAX;
  }

  /** A round of the watch is over. Returns true once, when it hangs. */
  round(): boolean {
    this.#silentRounds++;
    if (this.#silentRounds === QUIET_ROUNDS_MAX) {
      this.send({ kind: 'report' });
      // It says nothing by itself: only from now on is it silent.
      if (this.#rests) this.#silentRounds = 0;
      this.#rests = false;
    }
    return this.#silentRounds === HANGING_ROUNDS_MAX;
  }

  /** As it was last said; undefined for one that is unknown there. */
  instance(service: string, key: InstanceKey): InstanceState | undefined {
    return this.#instances.get(service)?.get(key);
  }

  /** When the instance last answered it, as far as it said; -Infinity: never. */
  answeredMs(service: string, key: InstanceKey): number {
    const ageMs = this.instance(service, key)?.answeredAgeMs ?? Number.POSITIVE_INFINITY;
    return (this.#saidMs.get(service) ?? 0) - ageMs;
  }

  /** How its services are; what is not among them is gone. */
  takeOverviews(overviews: readonly ServiceOverview[]): void {
    this.overviews = overviews;
    for (const known of [this.#instances, this.#coming]) {
      for (const service of known.keys()) {
        if (!overviews.some((overview) => overview.service === service)) known.delete(service);
      }
    }
  }

  /** Some instances of a service; `last`: all that it has are there. */
  takeInstances({ service, nowMs, states, last }: Extract<FromWorker, { kind: 'instances' }>): void {
    const coming = this.#coming.get(service) ?? new Map<InstanceKey, InstanceState>();
    for (const state of states) coming.set(state.key, state);
    if (last) {
      this.#instances.set(service, coming);
      this.#saidMs.set(service, nowMs);
      this.#coming.delete(service);
    } else {
      this.#coming.set(service, coming);
    }
  }

  /** It saw this since it said so last. */
  addSummaries(summaries: readonly (readonly [service: string, summary: Summary])[]): void {
    this.#seen.add(summaries);
  }

  /** All that it saw since this was asked last; one that hangs sees nothing. */
  takeSummaries(): Summaries {
    return this.isSilent ? NOTHING : this.#seen.take();
  }

  send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}
