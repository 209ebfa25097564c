// When the pieces of a stream came: by the first it is judged, and the others must not be too far apart. Times are those of
// the exchange's stopwatch.

import { FirstMessage } from './first-message.ts';

export class StreamPace {
  readonly #stallMs: number | null;
  /** The message of gRPC that is not whole yet. */
  #message: FirstMessage | null;
  /** When the first piece came, NaN before. */
  firstMs = Number.NaN;
  #lastMs = Number.NaN;

  /** `stallMs`: the longest pause, null without a limit. `messages`: a piece is not there before a message of gRPC is whole. */
  constructor(stallMs: number | null, messages: boolean) {
    this.#stallMs = stallMs;
    this.#message = messages ? new FirstMessage() : null;
  }

  get begun(): boolean {
    return !Number.isNaN(this.firstMs);
  }

  /** Whether the time of this chunk matters. */
  concerns(chunk: Buffer): boolean {
    if (this.#message !== null) {
      if (!this.#message.take(chunk)) return false;
      this.#message = null;
    }
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
