// When the pieces of a stream came: by the first it is judged, and the others must not be too far apart. Times are those of
// the exchange's stopwatch.

/** What is read of a stream as it comes. */
export interface Beginning {
  /** Something came that its client can use. */
  readonly begun: boolean;
}

export class StreamPace {
  readonly #stallMs: number | null;
  readonly #beginning: Beginning | null;
  /** When the first piece came, NaN before. */
  firstMs = Number.NaN;
  #lastMs = Number.NaN;

  /** `stallMs`: the longest pause, null without a limit. `beginning` says when the stream has begun; null: with any byte. */
  constructor(stallMs: number | null, beginning: Beginning | null) {
    this.#stallMs = stallMs;
    this.#beginning = beginning;
  }

  get begun(): boolean {
    return !Number.isNaN(this.firstMs);
  }

  /** Whether the time of the last chunk matters. */
  get concerned(): boolean {
    if (this.#beginning !== null && !this.#beginning.begun) return false;
    return !this.begun || this.#stallMs !== null;
  }

  /** A piece came. */
  take(elapsedMs: number): void {
    if (!this.begun) this.firstMs = elapsedMs;
    this.#lastMs = elapsedMs;
  }

  /** Whether the pause since the last piece is longer than the service allows. */
  isStalled(elapsedMs: number): boolean {
    return this.#stallMs !== null && this.begun && elapsedMs - this.#lastMs > this.#stallMs;
  }
}
