// How many, and how many of them good, over a sliding window: rows of N time buckets, so that memory is fixed and a
// reading is at most one bucket (W/N) short of the full window.

/** Buckets a window is cut into: readings cover between W·(1 − 1/16) and W. A power of two, so that a mask wraps epochs. */
const BUCKETS = 16;
const MASK = BUCKETS - 1;

/** Counts per row over the last `windowMs`; rows are made by `ensureRows` and cost 132 bytes each. */
export class WindowCounts {
  readonly #bucketMs: number;
  #latest = new Float64Array(0);
  #totals = new Uint32Array(0);
  #goods = new Uint32Array(0);

  constructor(windowMs: number, rows: number) {
    this.#bucketMs = windowMs / BUCKETS;
    this.ensureRows(rows);
  }

  get rows(): number {
    return this.#latest.length;
  }

  /** Grows to at least `rowsMin`, by doubling; what was counted stays. */
  ensureRows(rowsMin: number): void {
    const before = this.#latest;
    if (rowsMin <= before.length) return;
    const rows = Math.max(rowsMin, 2 * before.length);
    const latest = new Float64Array(rows).fill(Number.NEGATIVE_INFINITY);
    latest.set(before);
    const totals = new Uint32Array(rows * BUCKETS);
    totals.set(this.#totals);
    const goods = new Uint32Array(rows * BUCKETS);
    goods.set(this.#goods);
    this.#latest = latest;
    this.#totals = totals;
    this.#goods = goods;
  }

  record(row: number, good: boolean, nowMs: number): void {
    const epoch = this.#advance(row, nowMs);
    const at = row * BUCKETS + (epoch & MASK);
    this.#totals[at] = (this.#totals[at] ?? 0) + 1;
    if (good) this.#goods[at] = (this.#goods[at] ?? 0) + 1;
  }

  /** Adds counts that were made elsewhere, as of `nowMs`. */
  add(row: number, counts: { readonly total: number; readonly good: number }, nowMs: number): void {
    const epoch = this.#advance(row, nowMs);
    const at = row * BUCKETS + (epoch & MASK);
    this.#totals[at] = (this.#totals[at] ?? 0) + counts.total;
    this.#goods[at] = (this.#goods[at] ?? 0) + counts.good;
  }

  /** Something good that was recorded at `recordedMs` was not: it counts as bad, or as a bad one now when the window has passed it. */
  retract(row: number, recordedMs: number, nowMs: number): void {
    const epoch = this.#advance(row, nowMs);
    const recorded = Math.floor(recordedMs / this.#bucketMs);
    const at = row * BUCKETS + (recorded & MASK);
    const good = recorded > epoch - BUCKETS ? (this.#goods[at] ?? 0) : 0;
    if (good > 0) this.#goods[at] = good - 1;
    else this.record(row, false, nowMs);
  }

  total(row: number, nowMs: number): number {
    return this.#sum(this.#totals, row, nowMs);
  }

  good(row: number, nowMs: number): number {
    return this.#sum(this.#goods, row, nowMs);
  }

  /** How much of the past a reading at `nowMs` covers, ms: what a rate divides by. */
  coveredMs(nowMs: number): number {
    return nowMs - (Math.floor(nowMs / this.#bucketMs) - BUCKETS + 1) * this.#bucketMs;
  }

  clear(row: number): void {
    this.#latest[row] = Number.NEGATIVE_INFINITY;
    this.#totals.fill(0, row * BUCKETS, (row + 1) * BUCKETS);
    this.#goods.fill(0, row * BUCKETS, (row + 1) * BUCKETS);
  }

  /** Empties the buckets that time has passed over since the row was last written; returns the current epoch. */
  #advance(row: number, nowMs: number): number {
    const latest = this.#latest[row] ?? Number.NEGATIVE_INFINITY;
    const epoch = Math.floor(nowMs / this.#bucketMs);
    if (epoch <= latest) return latest;
    const first = Math.max(latest + 1, epoch - BUCKETS + 1);
    for (let passed = first; passed <= epoch; passed++) {
      this.#totals[row * BUCKETS + (passed & MASK)] = 0;
      this.#goods[row * BUCKETS + (passed & MASK)] = 0;
    }
    this.#latest[row] = epoch;
    return epoch;
  }

  #sum(counts: Uint32Array, row: number, nowMs: number): number {
    const latest = this.#latest[row] ?? Number.NEGATIVE_INFINITY;
    const oldest = Math.floor(nowMs / this.#bucketMs) - BUCKETS + 1;
    let sum = 0;
    for (let epoch = Math.max(oldest, latest - BUCKETS + 1); epoch <= latest; epoch++) {
      sum += counts[row * BUCKETS + (epoch & MASK)] ?? 0;
    }
    return sum;
  }
}
