// A timer for what is due next, where another thing may become due before it.

import type { Clock } from '../core/clock.ts';

/** A timer of Node that is set further ahead than this fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface DueTimerOptions {
  readonly clock: Clock;
  /** When the next thing is due; +Infinity: nothing is. */
  readonly nextMs: () => number;
  /** Something is due, or will be later than was said when the timer was set. */
  readonly onDue: () => void;
}

/** Between `start` and `stop` it calls `onDue` whenever something is due. Does not keep the process alive. */
export class DueTimer {
  readonly #options: DueTimerOptions;
  #timer: NodeJS.Timeout | null = null;
  #aimedMs = Number.POSITIVE_INFINITY;
  #running = false;

  constructor(options: DueTimerOptions) {
    this.#options = options;
  }

  get running(): boolean {
    return this.#running;
  }

  start(): void {
    this.#running = true;
    this.aim();
  }

  stop(): void {
    this.#running = false;
    this.#clear();
  }

  /** What is due next may have changed. Cheap where it has not. */
  aim(): void {
    if (!this.#running) return;
    const nextMs = this.#options.nextMs();
    if (this.#timer !== null && nextMs === this.#aimedMs) return;
    this.#clear();
    if (nextMs === Number.POSITIVE_INFINITY) return;
    this.#aimedMs = nextMs;
    const waitMs = Math.min(Math.max(0, nextMs - this.#options.clock.nowMs()), TIMER_MS_MAX);
    this.#timer = setTimeout(() => this.#fire(), waitMs).unref();
  }

  #fire(): void {
    this.#timer = null;
    this.#options.onDue();
    this.aim();
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
