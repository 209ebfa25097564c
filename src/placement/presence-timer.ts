// Ends grace periods when they are over: the one timer of the placement cache.

import type { Clock } from '../core/clock.ts';
import type { Presence } from './cache/presence.ts';

/** Calls `presence.tick` in time; asked again after every change. */
export class PresenceTimer {
  readonly #presence: Presence;
  readonly #clock: Clock;
  #timer: NodeJS.Timeout | null = null;
  #atMs = Number.POSITIVE_INFINITY;

  constructor(presence: Presence, clock: Clock) {
    this.#presence = presence;
    this.#clock = clock;
  }

  /** Something changed: the next tick may be due sooner. */
  reschedule(): void {
    const nextMs = this.#presence.nextTickMs;
    if (nextMs >= this.#atMs) return;
    this.stop();
    this.#atMs = nextMs;
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, nextMs - this.#clock.nowMs())).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #tick(): void {
    this.#atMs = Number.POSITIVE_INFINITY;
    this.#presence.tick(this.#clock.nowMs());
    this.reschedule();
  }
}
