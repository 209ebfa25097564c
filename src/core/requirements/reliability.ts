// How often attempts at each instance fail: the older ones fade, each with every new one.

import { grownFloat64 } from '../stats/grown.ts';

/** About the last 512 attempts speak: fewer would not distinguish one failure in a thousand from none. */
const KEPT = 1 - 1 / 512;

export class Reliability {
  /** Attempts, fading, indexed by handle. */
  #attempts: Float64Array<ArrayBuffer> = new Float64Array(0);
  #failed: Float64Array<ArrayBuffer> = new Float64Array(0);

  /** Begins a new instance at the handle. */
  begin(handle: number): void {
    this.#attempts = grownFloat64(this.#attempts, handle + 1);
    this.#failed = grownFloat64(this.#failed, handle + 1);
    this.#attempts[handle] = 0;
    this.#failed[handle] = 0;
  }

  reset(): void {
    this.#attempts.fill(0);
    this.#failed.fill(0);
  }

  observe(handle: number, failed: boolean): void {
    this.#attempts[handle] = (this.#attempts[handle] as number) * KEPT + 1;
    this.#failed[handle] = (this.#failed[handle] as number) * KEPT + Number(failed);
  }

  /** Counts one of the last attempts as failed after all. */
  retract(handle: number): void {
    this.#failed[handle] = Math.min((this.#failed[handle] as number) + 1, this.#attempts[handle] as number);
  }

  /** Returns the share of the attempts that did not fail; NaN before the first. */
  of(handle: number): number {
    return 1 - (this.#failed[handle] ?? Number.NaN) / (this.#attempts[handle] ?? Number.NaN);
  }
}
