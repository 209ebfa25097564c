// When a client is to get the quick instances alone, for the mean latency that it is to get. Clients of one load balancer may send in step,
// so that the same one gets the far instance each time: the mean of all is kept then, and that client's is not.
//
// Two things make its mean too high. Where the instances that it gets take longer by themselves, it gets quicker ones until they do not.
// What chance adds, a pause of the machine say, is in its account: what the next answer may take so that the window keeps the mean
// (`allowanceMs` of accounts.ts). Where that is less than what the slowest instance takes, the quicker ones make good what the window has too
// much of. Where it is less than what even the quickest takes, nothing that this client does makes it good, and the shares are not given
// up for it.

import type { Candidate } from '../domain.ts';
import { grownFloat64 } from '../stats/grown.ts';

/** About so many answers speak: of a client fewer than a window has, of an instance as many as distinguish it from its neighbours. */
const CLIENT_GAIN = 1 / 16;
const INSTANCE_GAIN = 1 / 64;
/** However much a client has to make good, what takes this share of the mean that is asked for is quick enough. */
const QUICK_SHARE = 1 / 2;
/** An instance that takes no more than this many times the quickest is quick enough as well. */
const AS_QUICK = 1.1;

/** The instance that answered, and how long it took. */
export interface Answer {
  /** `NO_HANDLE` for an instance that is not known. */
  readonly handle: number;
  readonly latencyMs: number;
}

export class MeanLatency {
  /** The mean that is asked for, ms; +Infinity for none. */
  readonly #goalMs: number;
  /** What each instance takes, by handle, and what those that served a client take, by row, ms; NaN at first. */
  #ofInstance: Float64Array<ArrayBuffer> = new Float64Array(0);
  #ofClient: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** What the quickest and the slowest active instance take, ms, by the last step. */
  #quickestMs = Number.POSITIVE_INFINITY;
  #slowestMs = Number.NEGATIVE_INFINITY;

  constructor(goalMs: number | null) {
    this.#goalMs = goalMs ?? Number.POSITIVE_INFINITY;
  }

  /** Begins a new instance at the handle. */
  begin(handle: number): void {
    this.#ofInstance = grownFloat64(this.#ofInstance, handle + 1, Number.NaN);
    this.#ofInstance[handle] = Number.NaN;
  }

  ensureRows(rows: number): void {
    this.#ofClient = grownFloat64(this.#ofClient, rows, Number.NaN);
  }

  /** Forgets the client of the row. */
  clear(row: number): void {
    if (row < this.#ofClient.length) this.#ofClient[row] = Number.NaN;
  }

  reset(): void {
    this.#ofClient.fill(Number.NaN);
    this.#ofInstance.fill(Number.NaN);
    this.step([]);
  }

  /** Counts an answer to the client. */
  record(row: number, { handle, latencyMs }: Answer): void {
    if (handle < 0 || this.#goalMs === Number.POSITIVE_INFINITY) return;
    const meanMs = moved(this.#ofInstance[handle] as number, latencyMs, INSTANCE_GAIN);
    this.#ofInstance[handle] = meanMs;
    this.#ofClient[row] = moved(this.#ofClient[row] as number, meanMs, CLIENT_GAIN);
  }

  /** Finds out what the quickest and the slowest of the active ones take now. */
  step(active: readonly Candidate[]): void {
    this.#quickestMs = Number.POSITIVE_INFINITY;
    this.#slowestMs = Number.NEGATIVE_INFINITY;
    if (this.#goalMs === Number.POSITIVE_INFINITY) return;
    for (const { handle } of active) {
      const meanMs = this.#ofInstance[handle] as number;
      if (meanMs < this.#quickestMs) this.#quickestMs = meanMs;
      if (meanMs > this.#slowestMs) this.#slowestMs = meanMs;
    }
  }

  /** Whether the client, whose next answer may take so long, is to get the quick ones alone. */
  isHigh(row: number, allowanceMs: number): boolean {
    // Not `?? NaN`: what may be a number or nothing is put on the heap.
    if (row < this.#ofClient.length && (this.#ofClient[row] as number) > this.#goalMs) return true;
    return allowanceMs < this.#slowestMs && allowanceMs >= this.#quickestMs;
  }

  /**
   * What an instance may take that is quick enough for it, ms. At least one is, and one that is not known yet. All are where each takes more
   * than the mean that is asked for: how requests are spread over them is all that helps then.
   */
  quickMs(candidates: readonly Candidate[], allowanceMs: number): number {
    let leastMs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < candidates.length; i++) {
      const meanMs = this.#ofInstance[(candidates[i] as Candidate).handle] as number;
      if (!(meanMs >= leastMs)) leastMs = Number.isNaN(meanMs) ? 0 : meanMs;
    }
    if (leastMs > this.#goalMs) return Number.POSITIVE_INFINITY;
    return Math.max(allowanceMs, QUICK_SHARE * this.#goalMs, AS_QUICK * leastMs);
  }

  /** Whether the instance takes no more; true before its first answer. */
  isQuick(handle: number, quickMs: number): boolean {
    return !((this.#ofInstance[handle] as number) > quickMs);
  }
}

function moved(mean: number, value: number, gain: number): number {
  return Number.isNaN(mean) ? value : mean + gain * (value - mean);
}
