// The fast loop's memory: misses in a row make an instance late for 80 ms, 240 ms, 720 ms … 4 s after the last one.

import { grownFloat64 } from '../../stats/grown.ts';

/** An error that is no timeout weighs three misses: it says more than a late answer. */
export const ERROR_WEIGHT = 3;
/** Misses in a row at which the instance is ejected, not merely late: it is in the event log and counts for panic. */
const MISSES_EJECTED = 3;
/** Further misses no longer add to the wait, which is at its maximum well before. */
const MISSES_MAX = 30;

export interface StreakState {
  readonly misses: number;
  readonly lastMs: number;
}

export class MissStreak {
  readonly #firstMs: number;
  readonly #maxMs: number;
  #misses = new Float64Array(0);
  #lastMs = new Float64Array(0);
  #untilMs = new Float64Array(0);

  /** `firstMs` after one miss, three times as long after each further one, `maxMs` at the most. */
  constructor(firstMs: number, maxMs: number) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
  }

  ensureHandles(handles: number): void {
    this.#misses = grownFloat64(this.#misses, handles);
    this.#lastMs = grownFloat64(this.#lastMs, handles, Number.NEGATIVE_INFINITY);
    this.#untilMs = grownFloat64(this.#untilMs, handles, Number.NEGATIVE_INFINITY);
  }

  /**
   * A request sent at `startMs` missed. Counted once per round: requests that were under way when the last miss was
   * counted add nothing new. True when this one ejects the instance.
   */
  miss(handle: number, weight: number, time: { readonly startMs: number; readonly nowMs: number }): boolean {
    if (time.startMs < this.lastMs(handle)) return false;
    const before = this.misses(handle);
    this.restore(handle, { misses: Math.min(MISSES_MAX, before + weight), lastMs: time.nowMs });
    return before < MISSES_EJECTED && this.misses(handle) >= MISSES_EJECTED;
  }

  success(handle: number): void {
    this.#misses[handle] = 0;
    this.#untilMs[handle] = Number.NEGATIVE_INFINITY;
  }

  misses(handle: number): number {
    return this.#misses[handle] ?? 0;
  }

  /** Returns when the last counted miss was, ms; -Infinity for none. */
  lastMs(handle: number): number {
    return this.#lastMs[handle] ?? Number.NEGATIVE_INFINITY;
  }

  /** Returns the time until which the misses make it late, ms; -Infinity when they do not. */
  untilMs(handle: number): number {
    return this.#untilMs[handle] ?? Number.NEGATIVE_INFINITY;
  }

  isLate(handle: number, nowMs: number): boolean {
    return nowMs < this.untilMs(handle);
  }

  /** Whether it is late by more than a stray miss or two. */
  isEjected(handle: number, nowMs: number): boolean {
    return this.misses(handle) >= MISSES_EJECTED && this.isLate(handle, nowMs);
  }

  forget(handle: number): void {
    this.success(handle);
    this.#lastMs[handle] = Number.NEGATIVE_INFINITY;
  }

  restore(handle: number, state: StreakState): void {
    this.#misses[handle] = state.misses;
    this.#lastMs[handle] = state.lastMs;
    const waitMs = Math.min(this.#maxMs, this.#firstMs * 3 ** (state.misses - 1));
    this.#untilMs[handle] = state.misses > 0 ? state.lastMs + waitMs : Number.NEGATIVE_INFINITY;
  }
}
