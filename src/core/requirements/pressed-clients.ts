// Clients that are about to miss the latency goal though all together have it with room: what the objective spends may cost them. A
// client of the far end of a region has little room of its own, and the mean of all does not show it.

import { grownFloat64 } from '../stats/grown.ts';

/** About the last 16 requests of a client speak: fewer than a window has, so that it is seen before the window is missed. */
const GAIN = 1 / 16;
/** So many times the share of clients that are pressed is what the objective gives up: all where one in four is. */
const GIVEN_UP = 4;

export class PressedClients {
  readonly #windowMs: number;
  /** Success that is too little. */
  readonly #shortOf: number;
  /** Success, older requests fading, and when the last request ended; indexed by row. */
  #success: Float64Array<ArrayBuffer> = new Float64Array(0);
  #heardMs: Float64Array<ArrayBuffer> = new Float64Array(0);

  constructor(windowMs: number, shortOf: number) {
    this.#windowMs = windowMs;
    this.#shortOf = shortOf;
  }

  ensureRows(rows: number): void {
    if (rows <= this.#success.length) return;
    this.#success = grownFloat64(this.#success, rows, 1);
    this.#heardMs = grownFloat64(this.#heardMs, rows, Number.NEGATIVE_INFINITY);
  }

  /** Counts a request of the client that ended. */
  record(row: number, good: boolean, nowMs: number): void {
    const success = this.#success[row] as number;
    this.#success[row] = success + GAIN * (Number(good) - success);
    this.#heardMs[row] = nowMs;
  }

  /** Forgets the client of the row. */
  clear(row: number): void {
    if (row >= this.#success.length) return;
    this.#success[row] = 1;
    this.#heardMs[row] = Number.NEGATIVE_INFINITY;
  }

  /** Returns the share that may be spent in spite of them, 1 where none is pressed. Costs time per client. */
  spared(nowMs: number): number {
    let clients = 0;
    let pressed = 0;
    for (let row = 0; row < this.#success.length; row++) {
      if (nowMs - (this.#heardMs[row] as number) > this.#windowMs) continue;
      clients++;
      if ((this.#success[row] as number) < this.#shortOf) pressed++;
    }
    return clients === 0 ? 1 : Math.max(0, 1 - (GIVEN_UP * pressed) / clients);
  }

  reset(): void {
    this.#success.fill(1);
    this.#heardMs.fill(Number.NEGATIVE_INFINITY);
  }
}
