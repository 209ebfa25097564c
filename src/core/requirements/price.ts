// What a measured requirement is worth beside the latency goal: a price that rises while it is missed and falls while it is met with
// room (dual ascent), slow against the weights that follow it, and bounded.

/** The highest price, in units of the success probability. */
const PRICE_MAX = 10;
/** How fast a price rises per second, for each time over that what the requirement allows is used up. */
const RISE_PER_SECOND = 0.1;
/** The most that a missed requirement counts as, in times of what it allows. */
const EXCESS_MAX = 3;
/** A requirement that is used up to less than this share of what it allows is met with room. */
const ROOM = 0.8;

export class Price {
  #value = 0;

  get value(): number {
    return this.#value;
  }

  /** Takes a step. `strain` is the share that is used up over the window of what the requirement allows. */
  step(strain: number, seconds: number): void {
    const excess = strain > 1 ? strain - 1 : Math.min(0, strain - ROOM);
    this.set(this.#value + RISE_PER_SECOND * seconds * Math.min(EXCESS_MAX, excess));
  }

  set(value: number): void {
    this.#value = Math.min(PRICE_MAX, Math.max(0, value));
  }
}
