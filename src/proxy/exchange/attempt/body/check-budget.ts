// Time that may be spent on looking into bodies for the verdict's sake. To decompress a short answer costs as much as to pass it on, so
// only a share of the time of an event loop goes there, and answers beyond it are not looked into. An instance that was found out is
// looked into by a share of its own: one bad answer of many is seen by chance, and the next ones for certain.

/** Share of the time. */
const SHARE = 0.02;
/** A check that would concern nearly every answer looks into one in so many of those that nothing speaks against. */
const SAMPLE = 4;
/** Time that may be saved up at most, ms. */
const SAVED_MS_MAX = 20;

/** One that gives a bad answer now and then is looked into for so many more. */
const DOUBTED_MAX = 16;

class Allowance {
  #leftMs = SAVED_MS_MAX;
  #filledMs = performance.now();

  get isLeft(): boolean {
    const nowMs = performance.now();
    this.#leftMs = Math.min(SAVED_MS_MAX, this.#leftMs + SHARE * (nowMs - this.#filledMs));
    this.#filledMs = nowMs;
    return this.#leftMs > 0;
  }

  spend(ms: number): void {
    this.#leftMs -= ms;
  }
}

/** One a service and data plane. */
export class CheckBudget {
  readonly #all = new Allowance();
  readonly #ofDoubted = new Allowance();
  /** Good answers in a row still to be seen of an instance that gave a bad one, keyed by handle. */
  readonly #doubted = new Map<number, number>();
  #sampled = 0;

  /** Whether an answer of this instance is looked into. */
  admits(handle: number): boolean {
    return (this.#doubted.has(handle) && this.#ofDoubted.isLeft) || this.#all.isLeft;
  }

  /** The same, for a check that would concern nearly every answer. */
  admitsSample(handle: number): boolean {
    if (this.#doubted.has(handle)) return this.admits(handle);
    this.#sampled = (this.#sampled + 1) % SAMPLE;
    return this.#sampled === 0 && this.#all.isLeft;
  }

  /** What it took, ms. */
  spend(handle: number, ms: number): void {
    (this.#doubted.has(handle) ? this.#ofDoubted : this.#all).spend(ms);
  }

  /** What was found. */
  found(handle: number, isBad: boolean): void {
    const left = isBad ? DOUBTED_MAX : (this.#doubted.get(handle) ?? 0) - 1;
    if (left > 0) this.#doubted.set(handle, left);
    else this.#doubted.delete(handle);
  }
}
