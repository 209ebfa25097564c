// Sums over a sliding window: rows of N time buckets, so that memory is fixed and a reading is at most one bucket (W/N) short of the
// full window.

/** Buckets a window is cut into: readings cover between W·(1 − 1/16) and W. A power of two, so that a mask wraps epochs. */
const BUCKETS = 16;
const MASK = BUCKETS - 1;

/** Sums per row and column over the last `windowMs`. A row costs 8 bytes, and 64 for each column. */
export class WindowSums {
  readonly #bucketMs: number;
  readonly #columns: number;
  #latest = new Float64Array(0);
  /** Sums by row, bucket and column, so that what is added at once lies together. */
  #sums = new Float32Array(0);

  constructor(windowMs: number, columns: number) {
    this.#bucketMs = windowMs / BUCKETS;
    this.#columns = columns;
  }

  get rows(): number {
    return this.#latest.length;
  }

  /** Grows to at least `rowsMin`, by doubling; what was added stays. */
  ensureRows(rowsMin: number): void {
    const before = this.#latest;
    if (rowsMin <= before.length) return;
    const rows = Math.max(rowsMin, 2 * before.length);
    const latest = new Float64Array(rows).fill(Number.NEGATIVE_INFINITY);
    latest.set(before);
    const sums = new Float32Array(rows * BUCKETS * this.#columns);
    sums.set(this.#sums);
    this.#latest = latest;
    this.#sums = sums;
  }

  /** Where the columns of the row are now: what is added from there on counts as of `nowMs`. */
  at(row: number, nowMs: number): number {
    return this.atEpoch(row, this.epochOf(nowMs));
  }

  /** The bucket of a time, for `atEpoch`: found once for rows that are written together. */
  epochOf(nowMs: number): number {
    return Math.floor(nowMs / this.#bucketMs);
  }

  /** When the bucket ends. */
  endMs(epoch: number): number {
    return (epoch + 1) * this.#bucketMs;
  }

  /** Like `at`, for a bucket that `epochOf` found. */
  atEpoch(row: number, epoch: number): number {
    const latest = this.#latest[row] as number;
    return this.#place(row, epoch <= latest ? latest : this.#advance(row, epoch));
  }

  /** Adds to a column of a row; `at` from the method of that name. */
  add(at: number, column: number, amount: number): void {
    (this.#sums[at + column] as number) += amount;
  }

  /** What a column holds there. */
  value(at: number, column: number): number {
    return this.#sums[at + column] as number;
  }

  /** Takes 1 from the column as of `thenMs`; false where the window has passed that or nothing is there. */
  take(row: number, column: number, { thenMs, nowMs }: { readonly thenMs: number; readonly nowMs: number }): boolean {
    const epoch = this.#advance(row, this.epochOf(nowMs));
    const then = this.epochOf(thenMs);
    const at = this.#place(row, then) + column;
    const there = then > epoch - BUCKETS ? (this.#sums[at] ?? 0) : 0;
    if (there > 0) this.#sums[at] = there - 1;
    return there > 0;
  }

  sum(row: number, column: number, nowMs: number): number {
    const oldest = this.epochOf(nowMs) - BUCKETS + 1;
    return this.#sumOf(row, column, { oldest, last: Number.POSITIVE_INFINITY });
  }

  /** The same as of a bucket, which is left out. */
  sumBefore(row: number, column: number, epoch: number): number {
    return this.#sumOf(row, column, { oldest: epoch - BUCKETS + 1, last: epoch - 1 });
  }

  #sumOf(row: number, column: number, { oldest, last }: { readonly oldest: number; readonly last: number }): number {
    const latest = this.#latest[row] ?? Number.NEGATIVE_INFINITY;
    const end = Math.min(latest, last);
    let sum = 0;
    for (let epoch = Math.max(oldest, latest - BUCKETS + 1); epoch <= end; epoch++) {
      sum += this.#sums[this.#place(row, epoch) + column] ?? 0;
    }
    return sum;
  }

  /** How much of the past a reading at `nowMs` covers, ms: what a rate divides by. */
  coveredMs(nowMs: number): number {
    return nowMs - (Math.floor(nowMs / this.#bucketMs) - BUCKETS + 1) * this.#bucketMs;
  }

  clear(row: number): void {
    this.#latest[row] = Number.NEGATIVE_INFINITY;
    const length = BUCKETS * this.#columns;
    this.#sums.fill(0, row * length, (row + 1) * length);
  }

  #place(row: number, epoch: number): number {
    return (row * BUCKETS + (epoch & MASK)) * this.#columns;
  }

  /** Empties the buckets that time has passed over since the row was last written; returns the current epoch. */
  #advance(row: number, epoch: number): number {
    const latest = this.#latest[row] ?? Number.NEGATIVE_INFINITY;
    if (epoch <= latest) return latest;
    for (let passed = Math.max(latest + 1, epoch - BUCKETS + 1); passed <= epoch; passed++) {
      const at = this.#place(row, passed);
      this.#sums.fill(0, at, at + this.#columns);
    }
    this.#latest[row] = epoch;
    return epoch;
  }
}
