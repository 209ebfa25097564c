// Algorithm 2, lines 6–9: which instances are ejected, and for how long. θ misses in a row and an instance leaves the pool for the cooldown.

import { grownFloat64 } from '../../stats/grown.ts';

export class Cooldown {
  readonly missesMax: number;
  readonly durationMs: number;
  #misses = new Float64Array(0);
  #untilMs = new Float64Array(0);

  /** θ and the cooldown's length. */
  constructor(missesMax: number, durationMs: number) {
    this.missesMax = missesMax;
    this.durationMs = durationMs;
  }

  ensureHandles(handles: number): void {
    this.#misses = grownFloat64(this.#misses, handles);
    this.#untilMs = grownFloat64(this.#untilMs, handles, Number.NEGATIVE_INFINITY);
  }

  /** Counts a miss; true when it is the one that starts a cooldown. */
  miss(handle: number, nowMs: number): boolean {
    const misses = (this.#misses[handle] ?? 0) + 1;
    this.#misses[handle] = misses;
    if (misses < this.missesMax || this.isEjected(handle, nowMs)) return false;
    this.#misses[handle] = 0;
    this.#untilMs[handle] = nowMs + this.durationMs;
    return true;
  }

  success(handle: number): void {
    this.#misses[handle] = 0;
  }

  isEjected(handle: number, nowMs: number): boolean {
    return nowMs < this.untilMs(handle);
  }

  /** When the last cooldown ends or ended; -Infinity when there was none. */
  untilMs(handle: number): number {
    return this.#untilMs[handle] ?? Number.NEGATIVE_INFINITY;
  }

  /** Misses in a row. */
  misses(handle: number): number {
    return this.#misses[handle] ?? 0;
  }

  forget(handle: number): void {
    this.restore(handle, { misses: 0, untilMs: Number.NEGATIVE_INFINITY });
  }

  restore(handle: number, state: { readonly misses: number; readonly untilMs: number }): void {
    this.#misses[handle] = state.misses;
    this.#untilMs[handle] = state.untilMs;
  }
}
