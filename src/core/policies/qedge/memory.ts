// What is remembered of each instance beyond the samples that speak now: how its attempts ended, fading. It is the prior of the
// estimates: for a while of one that was bad, so that it is not tried again at once, and towards what its round trip promises
// when nothing is heard of it, so that one that recovered is found. What is promised is worth what it was worth of the others: where
// most broke it, one that is not heard of has hardly become well.
//
// It fades by half in W, or in as many requests of this load balancer as take longer: one that sends a request a second would
// spend a large share of them on what it has just forgotten.

import type { Candidate } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';

/** Requests of this load balancer in which a memory fades by half, if they take longer than W. */
const HALF_LIFE_REQUESTS = 50;
/** Share of errors that is a habit of an instance. Fewer are news; where there are more they come in rows, as those of one that is broken. */
const LOSS_MIN = 0.01;
const LOSS_MAX = 0.2;

export class Memory {
  readonly #windowMs: number;
  #count: Float64Array<ArrayBuffer> = new Float64Array(0);
  #good: Float64Array<ArrayBuffer> = new Float64Array(0);
  #sumMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Remembered attempts that were answered with an error, indexed by handle. */
  #errors: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Attempts ended since the last `fade`. */
  #ended = 0;
  /** Success that was promised of those that were compared in this step, and of it what was kept; each counts by what is known of it. */
  #promised = 0;
  #kept = 0;
  /** The share of what is promised that all members together kept, with one more counted in that keeps it all. */
  hope = 1;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  ensureHandles(handles: number): void {
    this.#count = grownFloat64(this.#count, handles);
    this.#good = grownFloat64(this.#good, handles);
    this.#sumMs = grownFloat64(this.#sumMs, handles);
    this.#errors = grownFloat64(this.#errors, handles);
  }

  forget(handle: number): void {
    this.#count[handle] = 0;
    this.#good[handle] = 0;
    this.#sumMs[handle] = 0;
    this.#errors[handle] = 0;
  }

  observe(handle: number, success: boolean, processingMs: number): void {
    this.#ended++;
    (this.#count[handle] as number)++;
    if (success) (this.#good[handle] as number)++;
    (this.#sumMs[handle] as number) += processingMs;
  }

  /** Counts one of the observed attempts as answered with an error. */
  observeError(handle: number): void {
    (this.#errors[handle] as number)++;
  }

  /** Whether it answers with an error now and then, and with something else as a rule. */
  losesSome(handle: number): boolean {
    const ratio = (this.#errors[handle] as number) / (this.#count[handle] as number);
    return ratio >= LOSS_MIN && ratio <= LOSS_MAX;
  }

  /** Begins a step. */
  fade(members: readonly Candidate[], stepMs: number): void {
    const kept = 0.5 ** Math.min(stepMs / this.#windowMs, this.#ended / HALF_LIFE_REQUESTS);
    this.#ended = 0;
    this.hope = (1 + this.#kept) / (1 + this.#promised);
    this.#promised = 0;
    this.#kept = 0;
    for (const { handle } of members) {
      (this.#count[handle] as number) *= kept;
      (this.#good[handle] as number) *= kept;
      (this.#sumMs[handle] as number) *= kept;
      (this.#errors[handle] as number) *= kept;
    }
  }

  /** Compares what was promised of a member with what is remembered; called once a step for each. */
  compare(handle: number, promised: number): void {
    const known = 1 / (1 + (this.#count[handle] as number));
    this.#promised += (1 - known) * promised;
    this.#kept += Math.min((1 - known) * promised, known * (this.#good[handle] as number));
  }

  /** Returns the success of the remembered attempts and of one more that succeeds with probability `promised`. */
  success(handle: number, promised: number): number {
    return (promised + (this.#good[handle] as number)) / (1 + (this.#count[handle] as number));
  }

  /** Returns the mean processing latency of the remembered attempts and of one more that takes `promisedMs`. */
  processingMs(handle: number, promisedMs: number): number {
    return (promisedMs + (this.#sumMs[handle] as number)) / (1 + (this.#count[handle] as number));
  }
}
