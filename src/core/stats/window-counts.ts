// How many, and how many of them good, over a sliding window.

import { WindowSums } from './window-sums.ts';

const TOTAL = 0;
const GOOD = 1;

/** Counts per row over the last `windowMs`; rows are made by `ensureRows` and cost 136 bytes each. */
export class WindowCounts {
  readonly #sums: WindowSums;

  constructor(windowMs: number, rows: number) {
    this.#sums = new WindowSums(windowMs, 2);
    this.ensureRows(rows);
  }

  get rows(): number {
    return this.#sums.rows;
  }

  /** Grows to at least `rowsMin`, by doubling; what was counted stays. */
  ensureRows(rowsMin: number): void {
    this.#sums.ensureRows(rowsMin);
  }

  record(row: number, good: boolean, nowMs: number): void {
    const at = this.#sums.at(row, nowMs);
    this.#sums.add(at, TOTAL, 1);
    if (good) this.#sums.add(at, GOOD, 1);
  }

  /** Adds counts that were made elsewhere, as of `nowMs`. */
  add(row: number, counts: { readonly total: number; readonly good: number }, nowMs: number): void {
    const at = this.#sums.at(row, nowMs);
    this.#sums.add(at, TOTAL, counts.total);
    this.#sums.add(at, GOOD, counts.good);
  }

  /** Something good that was recorded at `recordedMs` was not: it counts as bad, or as a bad one now when the window has passed it. */
  retract(row: number, recordedMs: number, nowMs: number): void {
    if (!this.#sums.take(row, GOOD, { thenMs: recordedMs, nowMs })) this.record(row, false, nowMs);
  }

  total(row: number, nowMs: number): number {
    return this.#sums.sum(row, TOTAL, nowMs);
  }

  good(row: number, nowMs: number): number {
    return this.#sums.sum(row, GOOD, nowMs);
  }

  /** How much of the past a reading at `nowMs` covers, ms: what a rate divides by. */
  coveredMs(nowMs: number): number {
    return this.#sums.coveredMs(nowMs);
  }

  clear(row: number): void {
    this.#sums.clear(row);
  }
}
