// A share of what happened lately: what is older counts for less, by half in a given time.

export class FadingRatio {
  readonly #halfLifeMs: number;
  #total = 0;
  #good = 0;
  #stampMs = Number.NEGATIVE_INFINITY;

  constructor(halfLifeMs: number) {
    this.#halfLifeMs = halfLifeMs;
  }

  add(good: boolean, nowMs: number): void {
    const kept = 0.5 ** ((nowMs - this.#stampMs) / this.#halfLifeMs);
    this.#stampMs = nowMs;
    this.#total = this.#total * kept + 1;
    this.#good = this.#good * kept + Number(good);
  }

  /** How many it is a share of, those of long ago hardly. */
  weight(nowMs: number): number {
    return this.#total * 0.5 ** ((nowMs - this.#stampMs) / this.#halfLifeMs);
  }

  /** NaN before the first. */
  get ratio(): number {
    return this.#good / this.#total;
  }

  clear(): void {
    this.#total = 0;
    this.#good = 0;
    this.#stampMs = Number.NEGATIVE_INFINITY;
  }
}
