// How much of what reaches a group it keeps. All of it, while the service meets its goal; as much less as the goal needs
// otherwise. An integral controller, quick to give away and slow to take back, so that it converges instead of swinging.

/** The share of what the goal leaves for misses that is kept in reserve: a ratio is measured, and clients differ. */
const RESERVE_SHARE = 0.2;
/** Taken back in one step at the most. */
const GAIN_MAX = 0.02;
/** The share of the surplus over the goal that is taken back in one step. */
const GAIN_SHARE = 0.25;

export class CarriedShare {
  readonly #goal: number;
  #share = 1;
  /** Requests due to the group, less those that it had: between 0 and 1. */
  #due = 0;

  /** ρ. */
  constructor(successRatio: number) {
    this.#goal = successRatio + RESERVE_SHARE * (1 - successRatio);
  }

  get share(): number {
    return this.#share;
  }

  /** Success ratio that is steered for. */
  get goal(): number {
    return this.#goal;
  }

  /** Whether the group takes the next request. */
  get takes(): boolean {
    return this.#due + this.#share >= 1;
  }

  /** A request has come; it is the group's when `takes` said so. */
  count(): void {
    this.#due += this.#share;
    if (this.#due >= 1) this.#due -= 1;
  }

  /** The service as a whole had this success ratio lately, below its goal. */
  lower(successRatio: number): void {
    this.#share = Math.max(0, this.#share - (this.#goal - successRatio));
  }

  /** The service as a whole had this success ratio lately, above its goal. */
  raise(successRatio: number): void {
    this.#share = Math.min(1, this.#share + Math.min(GAIN_MAX, GAIN_SHARE * (successRatio - this.#goal)));
  }

  /** Sets the share, in [0, 1]. */
  set(share: number): void {
    this.#share = share;
  }
}
