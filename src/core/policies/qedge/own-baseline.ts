// What one instance takes to process when nothing else waits there: the low quantile of its own latencies, which falls at
// once and rises slowly, so that lasting congestion is not mistaken for slow hardware. Under processor sharing at a load of 0.9, one
// request in ten finds the instance idle: the quantile has to lie below that.
//
// Deviation: the pseudo-code measures congestion against q20 of the service as a whole. Hardware differs by a factor of
// three and more along the continuum, and an idle small board then looks congested, so that its requests go far away.

import { grownFloat64 } from '../../stats/grown.ts';
import type { LatencyWindow } from '../../stats/latency-window.ts';

const QUANTILE = 0.05;
const SAMPLES_NEEDED = 8;
/** The youngest samples speak; more of them would only cost more to sort. */
const SAMPLES_SORTED = 128;
/** Steps between two looks at the same instance: sorting is the dearest part of a step. */
const STEPS_BETWEEN = 4;

export class OwnBaseline {
  readonly #riseRatio: number;
  readonly #failureMs: number;
  readonly #sorted = new Float64Array(SAMPLES_SORTED);
  /** Indexed by handle; NaN while nothing is known. */
  #ms: Float64Array<ArrayBuffer> = new Float64Array(0);
  #step = 0;

  /** `riseRatio`: growth a step at the most. `failureMs`: a sample of so much is a failure, which says nothing of what an answer takes. */
  constructor(riseRatio: number, failureMs: number) {
    this.#riseRatio = riseRatio;
    this.#failureMs = failureMs;
  }

  ensureHandles(handles: number): void {
    this.#ms = grownFloat64(this.#ms, handles, Number.NaN);
  }

  forget(handle: number): void {
    this.#ms[handle] = Number.NaN;
  }

  /** Begins a decision step. */
  advance(): void {
    this.#step++;
  }

  /** Returns the baseline of this instance, ms; `serviceMs` while too little is known of it. */
  refresh(handle: number, window: LatencyWindow, serviceMs: number): number {
    const known = this.#ms[handle] as number;
    if (window.size >= SAMPLES_NEEDED && (Number.isNaN(known) || (this.#step + handle) % STEPS_BETWEEN === 0)) {
      const own = this.#quantile(window);
      const most = Number.isNaN(known) ? own : known * this.#riseRatio ** STEPS_BETWEEN;
      if (!Number.isNaN(own)) this.#ms[handle] = Math.max(0.1, Math.min(own, most));
    }
    const ms = this.#ms[handle] as number;
    return Number.isNaN(ms) ? serviceMs : ms;
  }

  /** Returns NaN where too few of the youngest samples are answers. */
  #quantile(window: LatencyWindow): number {
    let count = 0;
    for (let i = Math.max(0, window.size - SAMPLES_SORTED); i < window.size; i++) {
      const latencyMs = window.latencyMs(i);
      if (latencyMs < this.#failureMs) this.#sorted[count++] = latencyMs;
    }
    if (count < SAMPLES_NEEDED) return Number.NaN;
    const sorted = this.#sorted.subarray(0, count).sort();
    return sorted[Math.floor(QUANTILE * (count - 1))] ?? Number.NaN;
  }
}
