// When a change of the nodes is answered: nodes come and go in groups, so once they are still; and after a while in any case, since one
// that comes and goes all the time would keep the others waiting for good.

/** Nodes that are never still are answered after so many times of the time that they should be still for. */
const SETTLES_MAX = 10;

/** The changes that are not answered yet. */
export class Settling {
  readonly #settleMs: number;
  #lastMs: number | null = null;
  #firstMs: number | null = null;

  /** @param settleMs how long nothing is to change */
  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  changed(nowMs: number): void {
    this.#lastMs = nowMs;
    this.#firstMs ??= nowMs;
  }

  /** Whether they are to be answered now; then they are. "overdue": they were not still. */
  take(nowMs: number): 'still' | 'overdue' | null {
    if (this.#lastMs === null || this.#firstMs === null) return null;
    const isStill = nowMs - this.#lastMs >= this.#settleMs;
    if (!isStill && nowMs - this.#firstMs < SETTLES_MAX * this.#settleMs) return null;
    this.#lastMs = null;
    this.#firstMs = null;
    return isStill ? 'still' : 'overdue';
  }
}
