// What a request will take that joins an instance now: the least squares of processing latency over what this load balancer
// itself had in flight there when an attempt began. Where it alone fills an instance, its own requests are the queue, and it need
// not wait for a miss to know that one more will be late. Where others fill it, in-flight follows latency instead of causing it
// (Little's law), and to pass it over for that would push work outward: nothing is foreseen below a share of own load, at which
// own requests alone make next to no queue (M/D/1: a third makes one of 0.08).
//
// Deviation: the pseudo-code passes an instance over only once a request is overdue there or has missed. For one load balancer
// with small instances that is a queue of a whole τ too late: what it then sheds fills the next one, and the misses that
// follow move all weights.

import type { Candidate } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';

/** The older samples fade, each by this factor with every new one: about the last 64 speak. */
const KEPT = 1 - 1 / 64;
/** Faded samples before anything is foreseen. */
const SAMPLES_NEEDED = 4;
/** Own load, in shares of what one processor of the instance can do, below which the queue is made by others. */
const OWN_LOAD_MIN = 1 / 3;
/** Added to the variance of what was in flight, so that one step in it makes no slope. */
const RIDGE = 2;

/** Rows of sums: 1, n, x, n², n·x. */
const FIELDS = 5;

export class Queueing {
  readonly #staleMs: number;
  /** By handle, `FIELDS` each. */
  #sums: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** When the last sample came, by handle. */
  #lastMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** How often the weights chose it lately, and how often it was passed over for its queue then; by handle. */
  #chosen: Float64Array<ArrayBuffer> = new Float64Array(0);
  #passed: Float64Array<ArrayBuffer> = new Float64Array(0);

  /**
   * After `staleMs` without a sample nothing is known any more: one that is passed over would never be seen to recover. It is
   * also the half-life by which `fade` lets go of what was chosen.
   */
  constructor(staleMs: number) {
    this.#staleMs = staleMs;
  }

  ensureHandles(handles: number): void {
    this.#lastMs = grownFloat64(this.#lastMs, handles, Number.NEGATIVE_INFINITY);
    this.#sums = grownFloat64(this.#sums, handles * FIELDS);
    this.#chosen = grownFloat64(this.#chosen, handles);
    this.#passed = grownFloat64(this.#passed, handles);
  }

  forget(handle: number): void {
    this.#forgetSums(handle);
    this.#chosen[handle] = 0;
    this.#passed[handle] = 0;
  }

  /** An attempt that found `ahead` others in flight took `processingMs`. */
  observe(handle: number, ahead: number, processingMs: number, nowMs: number): void {
    if (nowMs - (this.#lastMs[handle] as number) > this.#staleMs) this.#forgetSums(handle);
    this.#lastMs[handle] = nowMs;
    const sums = this.#sums;
    const i = handle * FIELDS;
    sums[i] = (sums[i] as number) * KEPT + 1;
    sums[i + 1] = (sums[i + 1] as number) * KEPT + ahead;
    sums[i + 2] = (sums[i + 2] as number) * KEPT + processingMs;
    sums[i + 3] = (sums[i + 3] as number) * KEPT + ahead * ahead;
    sums[i + 4] = (sums[i + 4] as number) * KEPT + ahead * processingMs;
  }

  /**
   * Expected processing latency of a request that finds `ahead` others in flight, ms; NaN while too little is known, and where
   * the own requests do not make the queue. `idleMs` is what the instance takes when it is idle: one more in flight adds no more.
   */
  expectedMs(handle: number, ahead: number, idleMs: number, nowMs: number): number {
    if (nowMs - (this.#lastMs[handle] as number) > this.#staleMs) return Number.NaN;
    const perMs = ((this.#chosen[handle] as number) * Math.LN2) / this.#staleMs;
    if (!(perMs * idleMs > OWN_LOAD_MIN)) return Number.NaN;
    const sums = this.#sums;
    const i = handle * FIELDS;
    const count = sums[i] as number;
    if (count < SAMPLES_NEEDED) return Number.NaN;
    const meanAhead = (sums[i + 1] as number) / count;
    const meanMs = (sums[i + 2] as number) / count;
    const variance = (sums[i + 3] as number) - count * meanAhead * meanAhead;
    const covariance = (sums[i + 4] as number) - count * meanAhead * meanMs;
    const slopeMs = Math.min(idleMs, Math.max(0, covariance / (variance + RIDGE)));
    const expectedMs = Math.max(0, meanMs + slopeMs * (ahead - meanAhead));
    // Where all that was seen is long queues, the slope says little of short ones: there the queue is in proportion.
    return ahead < meanAhead ? Math.min(expectedMs, (meanMs * (ahead + 1)) / (meanAhead + 1)) : expectedMs;
  }

  /** The weights chose it; `passed`: it was passed over for its queue. */
  choose(handle: number, passed: boolean): void {
    (this.#chosen[handle] as number)++;
    if (passed) (this.#passed[handle] as number)++;
  }

  /** A decision step: what was counted before it fades to `kept`. */
  fade(members: readonly Candidate[], kept: number): void {
    for (const { handle } of members) {
      (this.#chosen[handle] as number) *= kept;
      (this.#passed[handle] as number) *= kept;
    }
  }

  /**
   * Of what the weights would give it, the share that it was passed over for, 0 to 1. Its samples look well because of that,
   * and its weight would grow until the others live on what it cannot take, in bursts.
   */
  passedShare(handle: number): number {
    return (this.#passed[handle] as number) / ((this.#chosen[handle] as number) + 1);
  }

  #forgetSums(handle: number): void {
    this.#sums.fill(0, handle * FIELDS, (handle + 1) * FIELDS);
  }
}
