// A share of what happened lately: what is older counts for less, by half in a given time. It fades at each step, not at each request.
//
// How far chance may have moved it is seen from the steps themselves: what happens within one often has one cause (a machine that stands
// still makes all late that is on its way), so that ten misses in one step are less evidence than one in each of ten.

export class FadingRatio {
  readonly #halfLifeMs: number;
  readonly #kept: number;
  #total = 0;
  #good = 0;
  /** Counts since the last step, not yet in the totals. */
  #newTotal = 0;
  #newGood = 0;
  /** Σ n², Σ n·good and Σ good² over the steps. */
  #squares = 0;
  #products = 0;
  #goodSquares = 0;

  /** `kept` is how many of the last events count however old they are, for where little happens. */
  constructor(halfLifeMs: number, kept = 0) {
    this.#halfLifeMs = halfLifeMs;
    this.#kept = kept;
  }

  add(total: number, good: number): void {
    this.#total += total;
    this.#good += good;
    this.#newTotal += total;
    this.#newGood += good;
  }

  /** Ends a step that took `elapsedMs`. */
  fade(elapsedMs: number): void {
    if (this.#total === 0) return;
    const kept = Math.max(0.5 ** (elapsedMs / this.#halfLifeMs), Math.min(1, this.#kept / this.#total));
    this.#total *= kept;
    this.#good *= kept;
    this.#squares = kept * (this.#squares + this.#newTotal ** 2);
    this.#products = kept * (this.#products + this.#newTotal * this.#newGood);
    this.#goodSquares = kept * (this.#goodSquares + this.#newGood ** 2);
    this.#newTotal = 0;
    this.#newGood = 0;
  }

  /** The number of events behind the ratio, older ones counting less. */
  get weight(): number {
    return this.#total;
  }

  /** The share of good events; NaN before the first. */
  get ratio(): number {
    return this.#good / this.#total;
  }

  /** The variance of the ratio, by how far whole steps differ from it. */
  get stepVariance(): number {
    const { ratio } = this;
    const squares = this.#squares + this.#newTotal ** 2;
    const products = this.#products + this.#newTotal * this.#newGood;
    const goodSquares = this.#goodSquares + this.#newGood ** 2;
    return (goodSquares - 2 * ratio * products + ratio ** 2 * squares) / this.#total ** 2;
  }

  clear(): void {
    this.#total = 0;
    this.#good = 0;
    this.#newTotal = 0;
    this.#newGood = 0;
    this.#squares = 0;
    this.#products = 0;
    this.#goodSquares = 0;
  }
}
