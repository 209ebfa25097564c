// The candidate that costs least, ties at random. One object a policy, begun again for each request: nothing is allocated.

import type { Candidate } from '../domain.ts';
import type { Rng } from '../rng.ts';

/** Picks the candidate that costs least, with ties broken at random: offered one after another, without a list of them. */
export class Least {
  readonly #rng: Rng;
  #cost = Number.POSITIVE_INFINITY;
  #ties = 0;
  /** Null as long as none was offered. */
  picked: Candidate | null = null;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  begin(): void {
    this.#cost = Number.POSITIVE_INFINITY;
    this.#ties = 0;
    this.picked = null;
  }

  /** `cost`: any number below +Infinity. */
  offer(candidate: Candidate, cost: number): void {
    if (cost > this.#cost) return;
    this.#ties = cost < this.#cost ? 1 : this.#ties + 1;
    this.#cost = cost;
    // The k-th of equals replaces the one picked so far with probability 1/k: each ends up equally likely.
    if (this.#ties === 1 || this.#rng.next() * this.#ties < 1) this.picked = candidate;
  }
}
