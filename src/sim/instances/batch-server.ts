// One emulated instance that answers requests in batches, as inference servers do (Triton's dynamic batcher): what waits is taken
// together once there is a batch full of it, or once the first has waited for the queue delay, as soon as an executor is free. A
// batch takes the mean work of its jobs, and a share of that more for each further job.

import type { Job, QueueingServer } from './server.ts';

export interface BatchServerOptions {
  /** Batches under way at a time. */
  readonly cores: number;
  readonly jobsMax: number;
  readonly batch: BatchSpec;
}

/** How requests are taken together: how many at most, and how long the first one waits, ms. */
export interface BatchSpec {
  /** Jobs in a batch at the most. */
  readonly size: number;
  /** How long the first may wait for others. */
  readonly delayMs: number;
  /** Time that each further job adds, as a share of what one alone takes. */
  readonly marginal: number;
}

interface RunningBatch {
  /** When it is done, on the virtual clock. */
  readonly doneAt: number;
  readonly jobs: readonly Job[];
}

/** A nanosecond of slack: times of events come back rounded. */
const SLACK_MS = 1e-6;

export class BatchServer implements QueueingServer {
  jobs = 0;
  readonly #options: BatchServerOptions;
  #speed = 1;
  /** Advances with the speed. */
  #virtualMs = 0;
  #syncedMs = 0;
  #running: RunningBatch[] = [];
  #done: Job[] = [];
  /** First come first. */
  #waiting: { job: Job; workMs: number; sinceMs: number }[] = [];

  constructor(options: BatchServerOptions) {
    this.#options = options;
  }

  enter(job: Job, workMs: number, nowMs: number): boolean {
    if (this.jobs >= this.#options.jobsMax) return false;
    this.#sync(nowMs);
    this.jobs++;
    this.#waiting.push({ job, workMs, sinceMs: nowMs });
    this.#launch();
    return true;
  }

  nextDoneMs(): number {
    if (this.#done.length > 0) return this.#syncedMs;
    const first = this.#waiting[0];
    const free = this.#running.length < this.#options.cores && first !== undefined;
    const launchMs = free ? first.sinceMs + this.#options.batch.delayMs : Number.POSITIVE_INFINITY;
    if (this.#speed === 0) return launchMs;
    return this.#running.reduce(
      (next, { doneAt }) => Math.min(next, this.#syncedMs + Math.max(0, doneAt - this.#virtualMs) / this.#speed),
      launchMs,
    );
  }

  takeDone(nowMs: number): Job {
    this.#sync(nowMs);
    this.#finish();
    this.#launch();
    const job = this.#done.pop();
    if (job === undefined) return -1;
    this.jobs--;
    return job;
  }

  setSpeed(speed: number, nowMs: number): void {
    this.#sync(nowMs);
    this.#speed = speed;
  }

  evict(nowMs: number): Job[] {
    this.#sync(nowMs);
    const jobs = [
      ...this.#done,
      ...this.#running.flatMap((batch) => batch.jobs),
      ...this.#waiting.map(({ job }) => job),
    ];
    this.#done = [];
    this.#running = [];
    this.#waiting = [];
    this.jobs = 0;
    return jobs;
  }

  #sync(nowMs: number): void {
    this.#virtualMs += (nowMs - this.#syncedMs) * this.#speed;
    this.#syncedMs = nowMs;
  }

  #finish(): void {
    const over = this.#running.filter(({ doneAt }) => doneAt <= this.#virtualMs + SLACK_MS);
    if (over.length === 0) return;
    this.#running = this.#running.filter((batch) => !over.includes(batch));
    this.#done.push(...over.flatMap((batch) => batch.jobs));
  }

  #launch(): void {
    const { cores, batch } = this.#options;
    while (this.#running.length < cores && this.#isDue()) {
      const taken = this.#waiting.splice(0, batch.size);
      const meanMs = taken.reduce((sum, { workMs }) => sum + workMs, 0) / taken.length;
      const workMs = meanMs * (1 + batch.marginal * (taken.length - 1));
      this.#running.push({ doneAt: this.#virtualMs + workMs, jobs: taken.map(({ job }) => job) });
    }
  }

  #isDue(): boolean {
    const { size, delayMs } = this.#options.batch;
    const first = this.#waiting[0];
    if (first === undefined) return false;
    return this.#waiting.length >= size || this.#syncedMs - first.sinceMs >= delayMs - SLACK_MS;
  }
}
