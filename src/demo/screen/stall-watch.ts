// How late this machine lets the demo's timers come. All of the demo is emulated by timers of one process, so that a
// machine that is busy with other things looks like slow instances; the viewer should know.

import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 5;
/** A reading covers the last one to two of these. */
const SPAN_MS = 5_000;
/** Lateness that begins to matter: a tenth of the tighter latency limit. */
const STALL_MS_MIN = 8;

/** Measures how late timers come, ms. */
export class StallWatch {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #timer: NodeJS.Timeout;
  #lastMs = 0;
  #mostMs = 0;

  constructor() {
    this.#histogram.enable();
    this.#timer = setInterval(() => {
      this.#lastMs = this.#lateMs();
      this.#mostMs = Math.max(this.#mostMs, this.#lastMs);
      this.#histogram.reset();
    }, SPAN_MS);
  }

  /** What to say when the machine is too busy to emulate anything well; null when it is not. */
  get notice(): string | null {
    return stallNotice(Math.max(this.#lastMs, this.#lateMs()));
  }

  /** The same of all the time. */
  get summary(): string | null {
    const lateMs = Math.max(this.#mostMs, this.#lateMs());
    if (lateMs < STALL_MS_MIN) return null;
    return `This machine was busy: timers came up to ${lateMs.toFixed(0)} ms late, so instances looked slow.`;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  /** 99 % of the timers since the last reset were at most this late, ms. */
  #lateMs(): number {
    if (this.#histogram.count === 0) return 0;
    return Math.max(0, this.#histogram.percentile(99) / 1e6 - RESOLUTION_MS);
  }
}

/** The notice for timers that come so late; null where that does not matter. */
export function stallNotice(lateMs: number): string | null {
  if (lateMs < STALL_MS_MIN) return null;
  return `this machine is busy: timers come up to ${lateMs.toFixed(0)} ms late, so instances look slow`;
}
