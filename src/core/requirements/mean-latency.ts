// The mean latency of each client and of each instance's answers, the older ones fading. Clients of one load balancer may send in step, so
// that the same one gets the far instance each time: the mean of all is kept then, and that client's is not. A client above its mean is
// offered the instances below it.

import { grownFloat64 } from '../stats/grown.ts';

/** About so many answers speak: of a client fewer than a window has, of an instance as many as distinguish it from its neighbours. */
const CLIENT_GAIN = 1 / 16;
const INSTANCE_GAIN = 1 / 64;
/** What a client may use up of the mean that is asked for before it is offered the quick ones. */
const EASY = 0.9;

/** Of which instance, and how long it took. */
export interface Answer {
  /** `NO_HANDLE`: of none that is known. */
  readonly handle: number;
  readonly latencyMs: number;
}

export class MeanLatency {
  /** What is easy on the mean that is asked for, ms; +Infinity where none is. */
  readonly #easyMs: number;
  /** By row, and by handle; NaN before the first answer. */
  #ofClient: Float64Array<ArrayBuffer> = new Float64Array(0);
  #ofInstance: Float64Array<ArrayBuffer> = new Float64Array(0);

  /** Another one whenever an instance is quick that was not, or the other way round. */
  version = 0;

  constructor(limitMs: number | null) {
    this.#easyMs = EASY * (limitMs ?? Number.POSITIVE_INFINITY);
  }

  /** A new instance took the handle. */
  begin(handle: number): void {
    this.#ofInstance = grownFloat64(this.#ofInstance, handle + 1, Number.NaN);
    this.#ofInstance[handle] = Number.NaN;
    this.version++;
  }

  ensureRows(rows: number): void {
    if (rows > this.#ofClient.length) this.#ofClient = grownFloat64(this.#ofClient, rows, Number.NaN);
  }

  /** The client of the row is forgotten. */
  clear(row: number): void {
    if (row < this.#ofClient.length) this.#ofClient[row] = Number.NaN;
  }

  reset(): void {
    this.#ofClient.fill(Number.NaN);
    this.#ofInstance.fill(Number.NaN);
    this.version++;
  }

  /** An answer came to the client. */
  record(row: number, { handle, latencyMs }: Answer): void {
    if (this.#easyMs === Number.POSITIVE_INFINITY) return;
    this.#ofClient[row] = moved(this.#ofClient[row] as number, latencyMs, CLIENT_GAIN);
    if (handle < 0) return;
    const before = this.#ofInstance[handle] as number;
    const after = moved(before, latencyMs, INSTANCE_GAIN);
    this.#ofInstance[handle] = after;
    if (before > this.#easyMs !== after > this.#easyMs) this.version++;
  }

  /** Whether the client gets, or is about to get, more than the mean that is asked for. */
  isHigh(row: number): boolean {
    return (this.#ofClient[row] ?? Number.NaN) > this.#easyMs;
  }

  /** Whether the instance answers below it; true before its first answer. */
  isQuick(handle: number): boolean {
    return !((this.#ofInstance[handle] as number) > this.#easyMs);
  }
}

function moved(mean: number, value: number, gain: number): number {
  return Number.isNaN(mean) ? value : mean + gain * (value - mean);
}
