// A share of what happened lately: what is older counts for less, by half in a given time. It fades at each step, not at each request.

export class FadingRatio {
  readonly #halfLifeMs: number;
  readonly #kept: number;
  #total = 0;
  #good = 0;

  /** `kept`: of what happened last, so many stay however long ago that was: where little happens, they are all there is to judge by. */
  constructor(halfLifeMs: number, kept = 0) {
    this.#halfLifeMs = halfLifeMs;
    this.#kept = kept;
  }

  add(total: number, good: number): void {
    this.#total += total;
    this.#good += good;
  }

  /** So much time has passed. */
  fade(elapsedMs: number): void {
    if (this.#total === 0) return;
    const kept = Math.max(0.5 ** (elapsedMs / this.#halfLifeMs), Math.min(1, this.#kept / this.#total));
    this.#total *= kept;
    this.#good *= kept;
  }

  /** How many it is a share of, those of long ago hardly. */
  get weight(): number {
    return this.#total;
  }

  /** NaN before the first. */
  get ratio(): number {
    return this.#good / this.#total;
  }

  clear(): void {
    this.#total = 0;
    this.#good = 0;
  }
}
