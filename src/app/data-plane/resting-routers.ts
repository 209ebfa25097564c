// An event loop that has nothing to do is woken for next to nothing: what a wake-up costs is mostly the kernel's and the cold cache's, and a
// router steps several times a second. A router that nothing was asked of for a while rests: its steps are made, many at once, every few
// seconds and before its next request, each as it would have been made at its time.

import type { ServiceRouter } from '../../core/service-router.ts';

/** What is driven of a router. */
type Driven = Pick<ServiceRouter, 'nextTickMs' | 'requests' | 'isBusy' | 'rest'>;

/** A camera asks more often. */
const QUIET_MS = 2_000;
/** A step takes some microseconds for each instance, and the first request after a rest waits for those that were left out. */
const LATE_MS = 5_000;

interface Seen {
  readonly requests: number;
  readonly sinceMs: number;
}

/** Which of the routers of an event loop rest. */
export class RestingRouters {
  readonly #onWake: () => void;
  readonly #seen = new WeakMap<Driven, Seen>();
  readonly #resting = new WeakSet<Driven>();

  /** `onWake` is called by the first request of a router that rested. */
  constructor(onWake: () => void) {
    this.#onWake = onWake;
  }

  /** When the router is to be ticked. */
  dueMs(router: Driven): number {
    return router.nextTickMs + (this.#resting.has(router) ? LATE_MS : 0);
  }

  /** Lets it rest if it was quiet for long enough since it was looked at first. Returns whether it rests. */
  look(router: Driven, nowMs: number): boolean {
    if (this.#resting.has(router)) return true;
    const { requests } = router;
    const seen = this.#seen.get(router);
    if (seen?.requests !== requests || router.isBusy) this.#seen.set(router, { requests, sinceMs: nowMs });
    else if (nowMs - seen.sinceMs >= QUIET_MS) {
      this.#resting.add(router);
      router.rest(() => {
        this.#resting.delete(router);
        this.#seen.delete(router);
        this.#onWake();
      });
      return true;
    }
    return false;
  }
}
