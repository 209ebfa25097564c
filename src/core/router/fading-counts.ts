// Counts per instance and kind that fade by half in a given time, and those of all instances together.

import { grownFloat64 } from '../stats/grown.ts';

/** Weights grow with time instead of all counts being faded at each one; beyond this they are scaled back. */
const WEIGHT_MAX = 2 ** 40;

/** Counts that fade, by handle of the instance and column. Allocates nothing once an instance has begun. */
export class FadingCounts {
  readonly #halfLifeMs: number;
  readonly #columns: number;
  #rows: Float64Array<ArrayBuffer> = new Float64Array(0);
  readonly #all: Float64Array;
  #landmarkMs: number;
  /** What one counts now: the later, the more, so that older ones fade beside it (forward decay, Cormode et al. 2009). */
  #weight = 1;

  constructor({ halfLifeMs, columns }: { readonly halfLifeMs: number; readonly columns: number }, nowMs: number) {
    this.#halfLifeMs = halfLifeMs;
    this.#columns = columns;
    this.#all = new Float64Array(columns);
    this.#landmarkMs = nowMs;
  }

  /** A new instance took the handle: it begins at nothing. */
  begin(handle: number): void {
    this.#rows = grownFloat64(this.#rows, (handle + 1) * this.#columns);
    for (let column = 0; column < this.#columns; column++) {
      const at = handle * this.#columns + column;
      this.#all[column] = Math.max(0, (this.#all[column] as number) - (this.#rows[at] as number));
      this.#rows[at] = 0;
    }
  }

  reset(): void {
    this.#rows.fill(0);
    this.#all.fill(0);
  }

  /** Sets the time, `nowMs`, at which the next counts are entered. */
  advance(nowMs: number): void {
    this.#weight = 2 ** ((nowMs - this.#landmarkMs) / this.#halfLifeMs);
    if (this.#weight < WEIGHT_MAX) return;
    for (let at = 0; at < this.#rows.length; at++) this.#rows[at] = (this.#rows[at] as number) / this.#weight;
    for (let column = 0; column < this.#columns; column++) {
      this.#all[column] = (this.#all[column] as number) / this.#weight;
    }
    this.#landmarkMs = nowMs;
    this.#weight = 1;
  }

  add(handle: number, column: number, amount = 1): void {
    const at = handle * this.#columns + column;
    this.#rows[at] = (this.#rows[at] ?? 0) + amount * this.#weight;
    this.#all[column] = (this.#all[column] as number) + amount * this.#weight;
  }

  of(handle: number, column: number): number {
    return (this.#rows[handle * this.#columns + column] ?? 0) / this.#weight;
  }

  ofAll(column: number): number {
    return (this.#all[column] as number) / this.#weight;
  }

  /** The count of all instances but this one. */
  ofOthers(handle: number, column: number): number {
    return Math.max(0, this.ofAll(column) - this.of(handle, column));
  }
}
