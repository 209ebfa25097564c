// What one more request would take at an instance now: the latency of a place in its queue, times the places that this load balancer's
// own requests take there. Where the own requests make the queue, this is the queue, seen before anything is late. Where others make
// it, the pace holds their load, and the own requests in flight show which instance was chosen too often just now.
//
// A place is learned as the ratio Σ x / Σ (ahead + 1) over the last attempts, which needs no idle instance and no law of the work: heavy
// tails and other services' load are in it.

import type { Candidate } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';

/** The older attempts fade, each by this factor with every new one, so that about the last 128 speak, and by half in this time. */
const KEPT = 1 - 1 / 128;
const HALF_LIFE_MS = 5_000;
/** A place takes no less, ms: round trips are measured with an error, and an answer may come sooner than its round trip. */
const PLACE_MS_MIN = 0.1;
/** What was not heard of for so long, and has nothing of this event loop under way, is unknown. */
const STALE_MS = 10_000;

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
    const kept = KEPT * 0.5 ** ((nowMs - (this.#heardMs[handle] as number)) / HALF_LIFE_MS);
    this.#heardMs[handle] = nowMs;
    this.#sumMs[handle] = (this.#sumMs[handle] as number) * kept + Math.max(PLACE_MS_MIN * (ahead + 1), processingMs);
    this.#places[handle] = (this.#places[handle] as number) * kept + ahead + 1;
  }

  /** Some attempt ended there. */
  knows(handle: number): boolean {
    return (this.#places[handle] as number) > 0;
  }

  /** Expected processing latency of a request that joins those in flight; `idleMs` is what an idle instance takes. NaN: unknown. */
  expectedMs({ handle, inFlight, oldestStartMs }: Candidate, idleMs: number, nowMs: number): number {
    // By the own requests alone: of those of other event loops nothing is learned, however many there are.
    const isIdle = oldestStartMs === Number.POSITIVE_INFINITY;
    if (isIdle && nowMs - (this.#heardMs[handle] as number) > STALE_MS) return Number.NaN;
    return ((idleMs + (this.#sumMs[handle] as number)) / (1 + (this.#places[handle] as number))) * (inFlight + 1);
  }

  /** What survives a restart. */
  snapshot(handle: number, nowMs: number): PaceState {
    return {
      sumMs: this.#sumMs[handle] as number,
      places: this.#places[handle] as number,
      ageMs: Math.min(STALE_MS + 1, nowMs - (this.#heardMs[handle] as number)),
    };
  }

  restore(handle: number, { sumMs, places, ageMs }: PaceState, nowMs: number): void {
    this.#sumMs[handle] = sumMs;
    this.#places[handle] = places;
    this.#heardMs[handle] = nowMs - ageMs;
  }
}
