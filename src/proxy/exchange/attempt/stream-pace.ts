// When the pieces of a stream came: by the first it is judged, and the others must not be too far apart. Times are those of
// the exchange's stopwatch.

import type { GrpcMessages } from './grpc-messages.ts';

export class StreamPace {
  readonly #stallMs: number | null;
  readonly #messages: GrpcMessages | null;
  /** When the first piece came, NaN before. */
  firstMs = Number.NaN;
  #lastMs = Number.NaN;

  /** `stallMs`: the longest pause, null without a limit. `messages`: the stream has not begun before the first is whole; null: with any byte. */
  constructor(stallMs: number | null, messages: GrpcMessages | null) {
    this.#stallMs = stallMs;
    this.#messages = messages;
  }

  get begun(): boolean {
    return !Number.isNaN(this.firstMs);
  }

  /** Whether the time of the last chunk matters. */
  get concerned(): boolean {
    if (this.#messages !== null && !this.#messages.begun) return false;
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
