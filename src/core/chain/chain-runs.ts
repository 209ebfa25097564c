// The runs of one chain that are under way: which stage comes next, and since when. Bounded in number and in age; the one that
// was idle for longest makes room.

import { ownCopy } from '../own-copy.ts';

/** Runs of one chain at a time. */
const RUNS_MAX = 4096;
/** A run that asks for nothing for so long is over. */
const IDLE_MS = 60_000;

/** One pass of one client through the stages. */
export interface Run {
  readonly clientId: string;
  readonly startedMs: number;
  seenMs: number;
  /** The first stage that was not answered yet. */
  next: number;
  /** A stage of it is asked for now. */
  busy: boolean;
  /** Its last stage that ended did so without an answer. */
  failed: boolean;
  /** It is in the account of its client. */
  settled: boolean;
}

/** The table of runs. */
export class ChainRuns {
  readonly #onForgotten: (run: Run) => void;
  /** Least recently seen first. */
  readonly #runs = new Map<string, Run>();

  /** `onForgotten`: the run will not be heard of again. */
  constructor(onForgotten: (run: Run) => void) {
    this.#onForgotten = onForgotten;
  }

  get size(): number {
    return this.#runs.size;
  }

  /** Names of runs are their client's own: those of another do not meet them. */
  find(clientId: string, name: string): Run | undefined {
    return this.#runs.get(idOf(clientId, name));
  }

  begin(clientId: string, name: string, nowMs: number): Run {
    const client = ownCopy(clientId);
    const run = {
      clientId: client,
      startedMs: nowMs,
      seenMs: nowMs,
      next: 0,
      busy: false,
      failed: false,
      settled: false,
    };
    this.#runs.set(ownCopy(idOf(client, name)), run);
    if (this.#runs.size > RUNS_MAX) this.#forgetOldest();
    return run;
  }

  /** It asks for a stage, or one of its stages ended. */
  seen(run: Run, name: string, nowMs: number): void {
    const id = idOf(run.clientId, name);
    if (this.#runs.get(id) !== run) return;
    run.seenMs = nowMs;
    this.#runs.delete(id);
    this.#runs.set(id, run);
  }

  end(run: Run, name: string): void {
    const id = idOf(run.clientId, name);
    if (this.#runs.get(id) === run) this.#runs.delete(id);
  }

  /** Lets go of those that were idle for too long. */
  sweep(nowMs: number): void {
    for (const { seenMs } of this.#runs.values()) {
      if (nowMs - seenMs <= IDLE_MS) return;
      this.#forgetOldest();
    }
  }

  #forgetOldest(): void {
    for (const [id, run] of this.#runs) {
      this.#runs.delete(id);
      this.#onForgotten(run);
      return;
    }
  }
}

/** No name contains a line break. */
const idOf = (clientId: string, name: string): string => `${clientId}\n${name}`;
