// How late this machine lets the demo's timers come. All of the demo is emulated by timers of one process, so that a
// machine that is busy with other things looks like slow instances; the person who watches should know.

import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 5;
/** A reading covers the last one to two of these. */
const SPAN_MS = 5_000;

export class StallWatch {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #timer: NodeJS.Timeout;
  #lastMs = 0;

  constructor() {
    this.#histogram.enable();
    this.#timer = setInterval(() => {
      this.#lastMs = this.#lateMs();
      this.#histogram.reset();
    }, SPAN_MS);
  }

  /** 99 % of the timers of the last seconds were at most this late, ms. */
  get lateMs(): number {
    return Math.max(this.#lastMs, this.#lateMs());
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  #lateMs(): number {
    if (this.#histogram.count === 0) return 0;
    return Math.max(0, this.#histogram.percentile(99) / 1e6 - RESOLUTION_MS);
  }
}
