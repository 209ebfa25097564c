// What this load balancer saw at each instance: since it last said so, and over the last half minute, to judge others by.

import { fade } from '../stats/weighted-kde.ts';
import { add, bucketOf, CELLS, FAILURES, scale } from './histogram.ts';

/** Half-life of what neighbours are judged by. Most load balancers with few requests see an instance ten times in it. */
export const JUDGED_HALF_LIFE_MS = 20_000;

export class OwnObservations {
  /** What was seen since the last turn, indexed by handle; made when the instance first answers. */
  readonly #since: (Float64Array | undefined)[] = [];
  readonly #judged: (Float64Array | undefined)[] = [];
  /** When the last span ended. */
  takenMs: number;

  constructor(nowMs: number) {
    this.takenMs = nowMs;
  }

  /** Counts an attempt that took `processingMs`; null for a failure. */
  observe(handle: number, processingMs: number | null): void {
    const cells = cellsOf(this.#since, handle);
    const cell = processingMs === null ? FAILURES : bucketOf(processingMs);
    (cells[cell] as number)++;
  }

  forget(handle: number): void {
    this.#since[handle] = undefined;
    this.#judged[handle] = undefined;
  }

  /** Returns how long `since` has counted, ms. */
  spanMs(nowMs: number): number {
    return nowMs - this.takenMs;
  }

  /** Returns what was seen since the last turn; undefined for nothing. */
  since(handle: number): Float64Array | undefined {
    return this.#since[handle];
  }

  /** Returns what others are judged by, without what was seen since the last turn. */
  judged(handle: number): Float64Array | undefined {
    return this.#judged[handle];
  }

  /** Ends a span and begins the next. */
  turn(nowMs: number): void {
    const kept = fade(this.spanMs(nowMs) / JUDGED_HALF_LIFE_MS);
    this.takenMs = nowMs;
    for (const judged of this.#judged) if (judged !== undefined) scale(judged, kept);
    for (const [handle, since] of this.#since.entries()) {
      if (since === undefined) continue;
      add(cellsOf(this.#judged, handle), since);
      this.#since[handle] = undefined;
    }
  }
}

/** Returns the cells of the handle, made when there are none. */
function cellsOf(table: (Float64Array | undefined)[], handle: number): Float64Array {
  const known = table[handle];
  if (known !== undefined) return known;
  const made = new Float64Array(CELLS);
  table[handle] = made;
  return made;
}
