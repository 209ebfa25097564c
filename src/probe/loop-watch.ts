// How late this process itself is while a round trip is timed: an event loop that is busy reads an answer long after it
// came. A timer ticks while anything is timed, and how late it fires is how late an answer may have been read.

import type { Clock } from '../core/clock.ts';

/** Ticks this far apart, ms: no closer than timers are exact. */
const TICK_MS = 2;

export interface LoopWatching {
  /** Ends it. Returns the longest time by which the event loop was late meanwhile, ms. */
  end(): number;
}

interface Watched {
  latestMs: number;
}

export class LoopWatch {
  readonly #clock: Clock;
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | null = null;
  #dueMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(): LoopWatching {
    const watched: Watched = { latestMs: 0 };
    this.#watched.add(watched);
    if (this.#timer === null) this.#schedule();
    return {
      end: () => {
        this.#watched.delete(watched);
        // A tick that is overdue has not fired yet where one callback held up the next.
        return Math.max(watched.latestMs, this.#clock.nowMs() - this.#dueMs);
      },
    };
  }

  #schedule(): void {
    this.#dueMs = this.#clock.nowMs() + TICK_MS;
    this.#timer = setTimeout(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  #tick(): void {
    const lateMs = this.#clock.nowMs() - this.#dueMs;
    for (const watched of this.#watched) watched.latestMs = Math.max(watched.latestMs, lateMs);
    this.#timer = null;
    if (this.#watched.size > 0) this.#schedule();
  }
}
