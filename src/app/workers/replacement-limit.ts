// How often an event loop that ended is replaced: at once the first time, later each time after a longer wait. A process
// whose event loops keep ending is no better than one that ends, and its service manager starts it again with all it has.

/** Losses within the window that are still made up for. */
const LOSSES_MAX = 5;
const WINDOW_MS = 60_000;
/** Doubles with each loss within the window. */
const FIRST_WAIT_MS = 100;

export class ReplacementLimit {
  /** When an event loop was lost, within the window. */
  #lostMs: readonly number[] = [];

  /** An event loop is lost. How long to wait before another takes its place, ms; null: there were too many. */
  lost(nowMs: number): number | null {
    this.#lostMs = [...this.#lostMs.filter((ms) => nowMs - ms < WINDOW_MS), nowMs];
    const losses = this.#lostMs.length;
    return losses > LOSSES_MAX ? null : FIRST_WAIT_MS * 2 ** (losses - 1);
  }
}
