// The budget of one request: the smaller of the service's latency limit and the deadline that came with it. It runs on the
// exchange's stopwatch, so that a slow client does not use it up.

import type { Stopwatch } from './stopwatch.ts';

/** What is left of a request's time, ms. */
export class Deadline {
  /** Time from the request's beginning until it is a miss, ms. */
  readonly limitMs: number;
  /** Time from the request's beginning until the client stops waiting, ms; +Infinity when it did not say. */
  readonly askedMs: number;
  readonly #stopwatch: Stopwatch;

  /** `askedMs`: the X-QEdge-Deadline-Ms that came along, null without one. */
  constructor(limitMs: number, askedMs: number | null, stopwatch: Stopwatch) {
    this.limitMs = askedMs === null ? limitMs : Math.min(limitMs, askedMs);
    this.askedMs = askedMs ?? Number.POSITIVE_INFINITY;
    this.#stopwatch = stopwatch;
  }

  /** Returns the time until the request is a miss, ms; below zero once it is. A late answer is still worth having. */
  budgetLeftMs(nowMs: number): number {
    return this.limitMs - this.#stopwatch.elapsedMs(nowMs);
  }

  /** Whether an answer is in time when the stopwatch shows `elapsedMs`. */
  isKept(elapsedMs: number): boolean {
    return elapsedMs <= this.limitMs;
  }

  /** Returns the time until the client stops waiting, ms; +Infinity when it did not say. */
  askedLeftMs(nowMs: number): number {
    return this.askedMs - this.#stopwatch.elapsedMs(nowMs);
  }
}
