// The attribute shares as quotas, one for each client: what is known exactly beforehand is not left to chance. With each request a
// client earns the share as credit; from half a request on the next one is due to the instances that fit, and one that they get costs
// one. It is smooth weighted round robin between those that fit and all, and within them the policy decides.
//
// A share that is only just met is missed by chance in half of the windows. What a client earns is therefore one request in its window
// more than the share.

import { grownFloat64 } from '../stats/grown.ts';
import { SHARES_MAX } from './requirements.ts';

const DUE = 0.5;
/** No client runs ahead of its share by more than half a request, nor lags by more than is made up at once. */
const CREDIT_MIN = -0.5;
const CREDIT_MAX = 2;
/** Of the requests, what a client gets above the share at the most. */
const MARGIN_MAX = 0.1;
/** What becomes of a window's requests is a request or two. */
const MARGIN_REQUESTS = 1.2;

export class Quotas {
  readonly #windowMs: number;
  readonly #shares: number;
  /** By row and share. */
  #credit: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** By row: since when its requests are counted, how many came since, and in the window before; NaN before the first. */
  #sinceMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  #count: Float64Array<ArrayBuffer> = new Float64Array(0);
  #before: Float64Array<ArrayBuffer> = new Float64Array(0);

  /** `shares`: how many there are. */
  constructor(windowMs: number, shares: number) {
    this.#windowMs = windowMs;
    this.#shares = shares;
  }

  ensureRows(rows: number): void {
    this.#credit = grownFloat64(this.#credit, rows * SHARES_MAX);
    this.#sinceMs = grownFloat64(this.#sinceMs, rows, Number.NaN);
    this.#count = grownFloat64(this.#count, rows);
    this.#before = grownFloat64(this.#before, rows);
  }

  clear(row: number): void {
    this.#credit.fill(0, row * SHARES_MAX, (row + 1) * SHARES_MAX);
    if (row < this.#sinceMs.length) this.#sinceMs[row] = Number.NaN;
  }

  /** A request of the client came, which is to get these shares. */
  earn(row: number, shares: Float64Array, nowMs: number): void {
    this.#countRequest(row, nowMs);
    for (let k = 0; k < this.#shares; k++) {
      const at = row * SHARES_MAX + k;
      this.#credit[at] = Math.min(CREDIT_MAX, (this.#credit[at] as number) + this.#earned(row, shares[k] as number));
    }
  }

  /** Whether the next request is due to the instances that serve share `k`, when it has earned. */
  isDue(row: number, k: number): boolean {
    return (this.#credit[row * SHARES_MAX + k] ?? 0) >= DUE;
  }

  /** Whether it would be, for a request that has not earned yet. */
  willBeDue(row: number, k: number, share: number): boolean {
    return (this.#credit[row * SHARES_MAX + k] ?? 0) + this.#earned(row, share) >= DUE;
  }

  /** An instance that serves the shares of these bits was chosen; `sign` -1: that is taken back. */
  pay(row: number, bits: number, sign = 1): void {
    for (let k = 0; k < this.#shares; k++) {
      if ((bits & (1 << k)) === 0) continue;
      const at = row * SHARES_MAX + k;
      this.#credit[at] = Math.max(CREDIT_MIN, (this.#credit[at] as number) - sign);
    }
  }

  credit(row: number, k: number): number {
    return this.#credit[row * SHARES_MAX + k] ?? 0;
  }

  setCredit(row: number, k: number, credit: number): void {
    this.#credit[row * SHARES_MAX + k] = Math.min(CREDIT_MAX, Math.max(CREDIT_MIN, credit));
  }

  /** Where a share has yielded to nothing there is nothing to earn, not even the margin. */
  #earned(row: number, share: number): number {
    if (share === 0) return 0;
    const requests = Math.max(this.#before[row] ?? 0, this.#count[row] ?? 0, 1);
    return Math.min(1, share + Math.min(MARGIN_MAX, MARGIN_REQUESTS / requests));
  }

  #countRequest(row: number, nowMs: number): void {
    const sinceMs = this.#sinceMs[row] as number;
    if (nowMs - sinceMs < this.#windowMs) {
      (this.#count[row] as number)++;
      return;
    }
    // NaN of a client that is new, and a client that was away for long.
    this.#before[row] = nowMs - sinceMs < 2 * this.#windowMs ? (this.#count[row] as number) : 0;
    this.#count[row] = 1;
    this.#sinceMs[row] = nowMs;
  }
}
