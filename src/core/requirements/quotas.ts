// The attribute shares as quotas, one for each client: what is known exactly beforehand is not left to chance. With each request a
// client earns the share as credit; from half a request on the next one is due to the instances that fit, and one that they get costs
// one. It is smooth weighted round robin between those that fit and the others, and within them the policy decides. Where its weights give
// those that fit more than the share, that is what a client earns.
//
// A share that is only just met is missed by chance in half of the windows. What a client earns is therefore one request in its window
// more than the share.

import { grownFloat64 } from '../stats/grown.ts';
import { SHARES_MAX } from './requirements.ts';

const DUE = 0.5;
/** No client runs ahead of its share by more than half a request, nor lags by more than is made up at once. */
const CREDIT_MIN = -0.5;
const CREDIT_MAX = 2;
/** What a client gets above the share at the most, as a share of its requests. */
const MARGIN_MAX = 0.1;
/** The margin of a window, in requests: what becomes of them is off by one or two. */
const MARGIN_REQUESTS = 1.2;

/** A row is: a credit for each share, since when its requests are counted, how many came since, and in the window before. */
const SINCE_MS = SHARES_MAX;
const COUNT = SHARES_MAX + 1;
const BEFORE = SHARES_MAX + 2;
/** Columns of a row, one of them to spare, so that an array grows by a whole number of rows. */
const COLUMNS = SHARES_MAX + 4;

/** What requests earn, indexed by attribute share. */
export interface Earnings {
  /** The share of requests that each attribute share is held to. */
  readonly held: Float64Array;
  /** The share that the policy would give by itself; NaN where it does not say. */
  readonly wanted: Float64Array;
}

export class Quotas {
  readonly #windowMs: number;
  readonly #shares: number;
  /** All rows, one after another, `COLUMNS` numbers each. */
  #rows: Float64Array<ArrayBuffer> = new Float64Array(0);

  /** `shares` is the number of attribute shares. */
  constructor(windowMs: number, shares: number) {
    this.#windowMs = windowMs;
    this.#shares = shares;
  }

  ensureRows(rows: number): void {
    if (rows * COLUMNS <= this.#rows.length) return;
    const before = this.#rows.length / COLUMNS;
    this.#rows = grownFloat64(this.#rows, rows * COLUMNS);
    for (let row = before; row < this.#rows.length / COLUMNS; row++) this.clear(row);
  }

  clear(row: number): void {
    if (row * COLUMNS >= this.#rows.length) return;
    this.#rows.fill(0, row * COLUMNS, (row + 1) * COLUMNS);
    this.#rows[row * COLUMNS + SINCE_MS] = Number.NEGATIVE_INFINITY;
  }

  /** A request of the client came, which is to get these shares; returns those, a bit each, whose instances it is due to. */
  earn(row: number, { held, wanted }: Earnings, nowMs: number): number {
    if (this.#shares === 0) return 0;
    this.ensureRows(row + 1);
    const rows = this.#rows;
    const at = row * COLUMNS;
    if (nowMs - (rows[at + SINCE_MS] as number) < this.#windowMs) (rows[at + COUNT] as number)++;
    else this.#beginWindow(at, nowMs);
    const margin = marginOf(rows[at + BEFORE] as number, rows[at + COUNT] as number);
    let due = 0;
    for (let k = 0; k < this.#shares; k++) {
      const credit = (rows[at + k] as number) + earnedOf(held[k] as number, wanted[k] as number, margin);
      rows[at + k] = credit > CREDIT_MAX ? CREDIT_MAX : credit;
      if (credit >= DUE) due |= 1 << k;
    }
    return due;
  }

  /** Returns the shares that a request is due to once it has earned, a bit each. */
  due(row: number): number {
    const at = row * COLUMNS;
    let due = 0;
    for (let k = 0; k < this.#shares; k++) if ((this.#rows[at + k] as number) >= DUE) due |= 1 << k;
    return due;
  }

  /** Returns the shares that a request would be due to once it earns, a bit each. */
  willBeDue(row: number, { held, wanted }: Earnings): number {
    const at = row * COLUMNS;
    const margin = marginOf(this.#rows[at + BEFORE] ?? 0, this.#rows[at + COUNT] ?? 0);
    let due = 0;
    for (let k = 0; k < this.#shares; k++) {
      if (this.credit(row, k) + earnedOf(held[k] as number, wanted[k] as number, margin) >= DUE) due |= 1 << k;
    }
    return due;
  }

  /** An instance that serves the shares of these bits was chosen; `sign` -1: that is taken back. */
  pay(row: number, bits: number, sign = 1): void {
    const rows = this.#rows;
    const at = row * COLUMNS;
    for (let k = 0; k < this.#shares; k++) {
      if ((bits & (1 << k)) !== 0) rows[at + k] = Math.max(CREDIT_MIN, (rows[at + k] as number) - sign);
    }
  }

  credit(row: number, k: number): number {
    return this.#rows[row * COLUMNS + k] ?? 0;
  }

  setCredit(row: number, k: number, credit: number): void {
    this.#rows[row * COLUMNS + k] = Math.min(CREDIT_MAX, Math.max(CREDIT_MIN, credit));
  }

  /** Begins a window with the request at hand. */
  #beginWindow(at: number, nowMs: number): void {
    const rows = this.#rows;
    // Nothing is known of a client that was away for long.
    rows[at + BEFORE] = nowMs - (rows[at + SINCE_MS] as number) < 2 * this.#windowMs ? (rows[at + COUNT] as number) : 0;
    rows[at + COUNT] = 1;
    rows[at + SINCE_MS] = nowMs;
  }
}

/** Returns what a client with so many requests in the window before and in this one earns above each share. */
function marginOf(before: number, count: number): number {
  const margin = MARGIN_REQUESTS / (before > count ? before : count);
  return margin < MARGIN_MAX ? margin : MARGIN_MAX;
}

/** Where a share has yielded to nothing there is no margin to earn. */
function earnedOf(held: number, wanted: number, margin: number): number {
  const owed = held === 0 ? 0 : held + margin;
  const earned = wanted > owed ? wanted : owed;
  return earned < 1 ? earned : 1;
}
