// What one more request would take at an instance now: the latency of a place in its queue, times the places that this load balancer's
// own requests take there. Where the own requests make the queue, this is the queue, seen before anything is late. Where others make
// it, the pace holds their load, and the own requests in flight tell which instance was chosen too often just now.
//
// A place is learned as the ratio Σ x / Σ (ahead + 1) over the last attempts, which needs no idle instance and no law of the work: heavy
// tails and other services' load are in it.

import type { Candidate } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';

/** The older attempts fade, each by this factor with every new one: about the last 128 speak. */
const KEPT = 1 - 1 / 128;
/** Of what was not heard of for so long the best is hoped again, so that it is seen to recover. */
const STALE_MS = 5_000;
/** After so long it is tried, no matter what is hoped of the others: evidence is relative, and needs both sides. */
const UNKNOWN_MS = 30_000;
/** From so many of its own requests ahead of a new one on average, what a load balancer sees tells how long the queues are. */
const AHEAD_MANY = 0.5;

export interface PaceState {
  readonly sumMs: number;
  readonly places: number;
  /** Since it was heard of. */
  readonly ageMs: number;
}

export class Pace {
  /** Σ x and Σ (ahead + 1), by handle. */
  #sumMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  #places: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** When the last attempt ended there. */
  #heardMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  #meanAhead = 0;

  ensureHandles(handles: number): void {
    this.#sumMs = grownFloat64(this.#sumMs, handles);
    this.#places = grownFloat64(this.#places, handles);
    this.#heardMs = grownFloat64(this.#heardMs, handles, Number.NEGATIVE_INFINITY);
  }

  forget(handle: number): void {
    this.#sumMs[handle] = 0;
    this.#places[handle] = 0;
    this.#heardMs[handle] = Number.NEGATIVE_INFINITY;
  }

  /** An attempt that found `ahead` others of this load balancer in flight there took `processingMs`. */
  observe(handle: number, ahead: number, processingMs: number, nowMs: number): void {
    if (nowMs - (this.#heardMs[handle] as number) > STALE_MS) this.forget(handle);
    this.#heardMs[handle] = nowMs;
    this.#sumMs[handle] = (this.#sumMs[handle] as number) * KEPT + processingMs;
    this.#places[handle] = (this.#places[handle] as number) * KEPT + ahead + 1;
    this.#meanAhead = this.#meanAhead * KEPT + ahead * (1 - KEPT);
  }

  /** Nothing was heard of it for very long, and nothing is under way: it is to be tried when the weights choose it. */
  isUnknown({ handle, inFlight }: Candidate, nowMs: number): boolean {
    return inFlight === 0 && nowMs - (this.#heardMs[handle] as number) > UNKNOWN_MS;
  }

  /** Expected processing latency of a request that joins those in flight; `idleMs` is what an idle instance takes. */
  expectedMs({ handle, inFlight }: Candidate, idleMs: number, nowMs: number): number {
    const stale = nowMs - (this.#heardMs[handle] as number) > STALE_MS;
    const placeMs = (idleMs + (this.#sumMs[handle] as number)) / (1 + (this.#places[handle] as number));
    return (stale ? idleMs : placeMs) * (inFlight + 1);
  }

  /** What survives a restart. */
  snapshot(handle: number, nowMs: number): PaceState {
    return {
      sumMs: this.#sumMs[handle] as number,
      places: this.#places[handle] as number,
      ageMs: Math.min(UNKNOWN_MS + 1, nowMs - (this.#heardMs[handle] as number)),
    };
  }

  restore(handle: number, { sumMs, places, ageMs }: PaceState, nowMs: number): void {
    this.#sumMs[handle] = sumMs;
    this.#places[handle] = places;
    this.#heardMs[handle] = nowMs - ageMs;
  }

  /** The queues are made by the own requests, or nearly so. */
  get ownQueues(): boolean {
    return this.#meanAhead > AHEAD_MANY;
  }
}
