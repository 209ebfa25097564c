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
/** What becomes of a window's requests is a request or two. */
const MARGIN_REQUESTS = 1.2;

/** A row is: a credit for each share, since when its requests are counted, how many came since, and in the window before. */
const SINCE_MS = SHARES_MAX;
const COUNT = SHARES_MAX + 1;
const BEFORE = SHARES_MAX + 2;
const COLUMNS = SHARES_MAX + 3;

/** By share. */
export interface Earnings {
  /** What requests are held to. */
  readonly held: Float64Array;
  /** What the policy would give by itself; NaN where it does not say. */
  readonly wanted: Float64Array;
}

export class Quotas {
  readonly #windowMs: number;
  readonly #shares: number;
  /** Row after row. */
  #rows: Float64Array<ArrayBuffer> = new Float64Array(0);

  /** `shares`: how many there are. */
  constructor(windowMs: number, shares: number) {
    this.#windowMs = windowMs;
    this.#shares = shares;
  }

  ensureRows(rows: number): void {
    if (rows * COLUMNS <= this.#rows.length) return;
    this.#rows = grownFloat64(this.#rows, rows * COLUMNS);
  }

  clear(row: number): void {
    this.#rows.fill(0, row * COLUMNS, (row + 1) * COLUMNS);
  }

  /** A request of the client came, which is to get these shares. */
  earn(row: number, { held, wanted }: Earnings, nowMs: number): void {
    const rows = this.#rows;
    const at = row * COLUMNS;
    this.#countRequest(at, nowMs);
    const margin = this.#margin(at);
    for (let k = 0; k < this.#shares; k++) {
      const earned = earnedOf(held[k] as number, wanted[k] as number, margin);
      rows[at + k] = Math.min(CREDIT_MAX, (rows[at + k] as number) + earned);
    }
  }

  /** The shares, a bit each, whose instances the next request is due to, when it has earned. */
  due(row: number): number {
    const at = row * COLUMNS;
    let due = 0;
    for (let k = 0; k < this.#shares; k++) if ((this.#rows[at + k] as number) >= DUE) due |= 1 << k;
    return due;
  }

  /** Those that it would be due to, for a request that has not earned yet. */
  willBeDue(row: number, { held, wanted }: Earnings): number {
    const margin = this.#margin(row * COLUMNS);
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

  /** What the client earns above each share. */
  #margin(at: number): number {
    const requests = Math.max(this.#rows[at + BEFORE] ?? 0, this.#rows[at + COUNT] ?? 0, 1);
    return Math.min(MARGIN_MAX, MARGIN_REQUESTS / requests);
  }

  #countRequest(at: number, nowMs: number): void {
    const rows = this.#rows;
    const sinceMs = rows[at + SINCE_MS] as number;
    const count = rows[at + COUNT] as number;
    if (count > 0 && nowMs - sinceMs < this.#windowMs) {
      rows[at + COUNT] = count + 1;
      return;
    }
    // Nothing is known of a client that was away for long.
    rows[at + BEFORE] = nowMs - sinceMs < 2 * this.#windowMs ? count : 0;
    rows[at + COUNT] = 1;
    rows[at + SINCE_MS] = nowMs;
  }
}

/** Where a share has yielded to nothing there is no margin to earn. */
function earnedOf(held: number, wanted: number, margin: number): number {
  const owed = held === 0 ? 0 : held + margin;
  return Math.min(1, wanted > owed ? wanted : owed);
}
