// Requests per second of the service and of each instance, over the last ten seconds.

import { WindowCounts } from '../stats/window-counts.ts';

const WINDOW_MS = 10_000;
/** A router younger than this does not extrapolate from the little it saw. */
const SPAN_MS_MIN = 1000;
/** Row of the service as a whole; the instance with handle h has row h + 1. */
const SERVICE_ROW = 0;

/** Counts attempts as they start; rates are per second, over the last ten seconds or since the start if that is less. */
export class RequestRates {
  readonly #counts = new WindowCounts(WINDOW_MS, 1);
  readonly #startedMs: number;
  /** Requests of the service, all time. */
  asked = 0;

  constructor(nowMs: number) {
    this.#startedMs = nowMs;
  }

  /** A new instance took the handle: it begins at nothing. */
  begin(handle: number): void {
    this.#counts.ensureRows(handle + 2);
    this.#counts.clear(handle + 1);
  }

  countService(nowMs: number): void {
    this.asked++;
    this.#counts.record(SERVICE_ROW, true, nowMs);
  }

  countInstance(handle: number, nowMs: number): void {
    this.#counts.record(handle + 1, true, nowMs);
  }

  ofService(nowMs: number): number {
    return this.#perSecond(SERVICE_ROW, nowMs);
  }

  ofInstance(handle: number, nowMs: number): number {
    return this.#perSecond(handle + 1, nowMs);
  }

  #perSecond(row: number, nowMs: number): number {
    const spanMs = Math.min(this.#counts.coveredMs(nowMs), Math.max(SPAN_MS_MIN, nowMs - this.#startedMs));
    return (this.#counts.total(row, nowMs) * 1000) / spanMs;
  }
}
