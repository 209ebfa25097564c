// What a request will take that joins an instance now: the least squares of processing latency over what this load balancer
// itself had in flight there when a try began. Where it alone fills an instance, its own requests are the queue, and it need
// not wait for a miss to know that one more will be late. Where others fill it, the slope is small and nothing is foreseen.
//
// Deviation: the pseudo-code passes an instance over only once a request is overdue there or has missed. For one load balancer
// with small instances that is a queue of a whole τ too late: what it then sheds fills the next one, and the misses that
// follow move all weights.

import { grownFloat64 } from '../../qos/grown.ts';

/** The older samples fade, each by this factor with every new one: about the last 64 speak. */
const KEPT = 1 - 1 / 64;
/** Faded samples before anything is foreseen. */
const SAMPLES_NEEDED = 4;
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

  /** After `staleMs` without a sample nothing is known any more: who is passed over would never be seen to recover. */
  constructor(staleMs: number) {
    this.#staleMs = staleMs;
  }

  ensureHandles(handles: number): void {
    this.#lastMs = grownFloat64(this.#lastMs, handles, Number.NEGATIVE_INFINITY);
    this.#sums = grownFloat64(this.#sums, handles * FIELDS);
  }

  forget(handle: number): void {
    this.#sums.fill(0, handle * FIELDS, (handle + 1) * FIELDS);
  }

  /** A try that found `ahead` others in flight took `processingMs`. */
  observe(handle: number, ahead: number, processingMs: number, nowMs: number): void {
    if (nowMs - (this.#lastMs[handle] as number) > this.#staleMs) this.forget(handle);
    this.#lastMs[handle] = nowMs;
    const sums = this.#sums;
    const i = handle * FIELDS;
    sums[i] = (sums[i] as number) * KEPT + 1;
    sums[i + 1] = (sums[i + 1] as number) * KEPT + ahead;
    sums[i + 2] = (sums[i + 2] as number) * KEPT + processingMs;
    sums[i + 3] = (sums[i + 3] as number) * KEPT + ahead * ahead;
    sums[i + 4] = (sums[i + 4] as number) * KEPT + ahead * processingMs;
  }

  /** Expected processing latency of a request that finds `ahead` others in flight, ms; NaN while too little is known. */
  expectedMs(handle: number, ahead: number, nowMs: number): number {
    if (nowMs - (this.#lastMs[handle] as number) > this.#staleMs) return Number.NaN;
    const sums = this.#sums;
    const i = handle * FIELDS;
    const count = sums[i] as number;
    if (count < SAMPLES_NEEDED) return Number.NaN;
    const meanAhead = (sums[i + 1] as number) / count;
    const meanMs = (sums[i + 2] as number) / count;
    const variance = (sums[i + 3] as number) - count * meanAhead * meanAhead;
    const covariance = (sums[i + 4] as number) - count * meanAhead * meanMs;
    const slopeMs = Math.max(0, covariance / (variance + RIDGE));
    return Math.max(0, meanMs + slopeMs * (ahead - meanAhead));
  }
}
