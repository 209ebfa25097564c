// When the routers of an event loop make their decision steps: one timer for all, at the step that is due next.
//
// An event loop that has nothing to do is woken for next to nothing: what a wake-up costs is mostly the kernel's and the cold cache's, and a
// router steps several times a second. So a router that nothing was asked of for a while rests: its steps are made, many at once, every few
// seconds and before its next request, each as it would have been made at its time.

import type { Clock } from '../../core/clock.ts';
import type { ServiceRouter } from '../../core/service-router.ts';
import { DueTimer } from '../../net/due-timer.ts';

/** A camera asks more often. */
const QUIET_MS = 2_000;
/** A step takes some microseconds for each instance, and the first request after a rest waits for those that were left out. */
const LATE_MS = 5_000;

interface Seen {
  readonly requests: number;
  readonly sinceMs: number;
}

export interface RouterStepsOptions {
  /** As they are now. */
  readonly routers: ReadonlyMap<string, ServiceRouter>;
  readonly clock: Clock;
  /** After `look` returned true: a request came, or other routers did. */
  readonly onWake: () => void;
}

/** Drives the routers from `start` to `stop`. */
export class RouterSteps {
  readonly #options: RouterStepsOptions;
  readonly #seen = new WeakMap<ServiceRouter, Seen>();
  readonly #resting = new WeakSet<ServiceRouter>();
  readonly #timer: DueTimer;

  constructor(options: RouterStepsOptions) {
    this.#options = options;
    this.#timer = new DueTimer({ clock: options.clock, nextMs: () => this.#nextMs, onDue: () => this.#step() });
  }

  start(): void {
    this.#timer.start();
  }

  stop(): void {
    this.#timer.stop();
  }

  /** The routers were replaced; none of the new ones rests. */
  renew(): void {
    this.#timer.aim();
    this.#options.onWake();
  }

  /** Makes the steps that a rest left out, too. Returns whether no service was asked for anything of late, which holds until `onWake`. */
  look(): boolean {
    if (!this.#timer.running) return false;
    const nowMs = this.#options.clock.nowMs();
    let rests = true;
    for (const router of this.#options.routers.values()) {
      if (this.#rests(router, nowMs)) router.tick(nowMs);
      else rests = false;
    }
    this.#timer.aim();
    return rests;
  }

  get #nextMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const router of this.#options.routers.values()) nextMs = Math.min(nextMs, this.#dueMs(router));
    return nextMs;
  }

  #step(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const router of this.#options.routers.values()) {
      if (this.#dueMs(router) > nowMs) continue;
      router.tick(nowMs);
      this.#rests(router, nowMs);
    }
  }

  #dueMs(router: ServiceRouter): number {
    return router.nextTickMs + (this.#resting.has(router) ? LATE_MS : 0);
  }

  /** Lets it rest if it was quiet for long enough since it was looked at first. Returns whether it rests. */
  #rests(router: ServiceRouter, nowMs: number): boolean {
    if (this.#resting.has(router)) return true;
    const { requests } = router;
    const seen = this.#seen.get(router);
    if (seen?.requests !== requests || router.isBusy) this.#seen.set(router, { requests, sinceMs: nowMs });
    else if (nowMs - seen.sinceMs >= QUIET_MS) {
      this.#resting.add(router);
      router.rest(() => this.#woke(router));
      return true;
    }
    return false;
  }

  #woke(router: ServiceRouter): void {
    this.#resting.delete(router);
    this.#seen.delete(router);
    this.#timer.aim();
    this.#options.onWake();
  }
}
