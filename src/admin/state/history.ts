// The last minutes of every service, so that a dashboard opened in the middle of trouble shows how it came about: a ring
// of samples, taken by a slow timer, also while no dashboard is open.

import type { InstanceKey } from '../../core/domain.ts';
import type { RouterState } from '../../core/service-router.ts';

/** Between two samples, ms. */
export const HISTORY_INTERVAL_MS = 2_000;
/** Ten minutes. */
const SAMPLES_MAX = 300;
/** At most this many departed instances of a service are kept, the latest. */
const DEPARTED_MAX = 64;

/** What the dashboard plots of one service: a sample every `intervalMs`, the oldest first. */
export interface ServiceHistory {
  readonly intervalMs: number;
  /** Wall clock, ms since the epoch, ascending. */
  readonly timesMs: readonly number[];
  readonly successRatio: readonly (number | null)[];
  readonly clientsSatisfiedRatio: readonly (number | null)[];
  readonly requestsPerSecond: readonly (number | null)[];
  /** Share of requests by instance; null where it did not exist. */
  readonly weights: Readonly<Record<InstanceKey, readonly (number | null)[]>>;
}

/**
 * Bounded: services × (instances + 64 + 4) × 300 samples of 4 bytes. A departed instance stays until its last sample,
 * unless more than 64 have departed: instances that get new names would fill the memory.
 */
export class History {
  readonly #services = new Map<string, ServiceRing>();

  /** `wallMs`: ms since the epoch. Services that are not among `states` are forgotten. */
  sample(states: readonly RouterState[], wallMs: number): void {
    const names = new Set(states.map((state) => state.service));
    for (const name of this.#services.keys()) if (!names.has(name)) this.#services.delete(name);
    for (const state of states) {
      let ring = this.#services.get(state.service);
      if (ring === undefined) {
        ring = new ServiceRing();
        this.#services.set(state.service, ring);
      }
      ring.sample(state, wallMs);
    }
  }

  /** Null for a service that was never sampled. */
  of(service: string): ServiceHistory | null {
    return this.#services.get(service)?.read() ?? null;
  }
}

class ServiceRing {
  readonly #timesMs = new Float64Array(SAMPLES_MAX);
  readonly #success = emptyColumn();
  readonly #satisfied = emptyColumn();
  readonly #rate = emptyColumn();
  readonly #weights = new Map<InstanceKey, Float32Array>();
  #written = 0;

  sample(state: RouterState, wallMs: number): void {
    const at = this.#written % SAMPLES_MAX;
    this.#written++;
    this.#timesMs[at] = wallMs;
    this.#success[at] = state.successRatio ?? Number.NaN;
    this.#satisfied[at] = state.clientsSatisfiedRatio ?? Number.NaN;
    this.#rate[at] = state.requestsPerSecond;
    for (const column of this.#weights.values()) column[at] = Number.NaN;
    for (const { key, weight } of state.instances) {
      const column = this.#weights.get(key) ?? emptyColumn();
      column[at] = weight;
      // Re-inserted, so that departed instances come first, the oldest departure first.
      this.#weights.delete(key);
      this.#weights.set(key, column);
    }
    this.#forgetDeparted(state.instances.length);
  }

  read(): ServiceHistory {
    const order = Array.from({ length: Math.min(this.#written, SAMPLES_MAX) }, (_, i) => {
      const oldest = Math.max(0, this.#written - SAMPLES_MAX);
      return (oldest + i) % SAMPLES_MAX;
    });
    const column = (values: Float32Array): (number | null)[] => order.map((at) => roundedOrNull(values[at]));
    return {
      intervalMs: HISTORY_INTERVAL_MS,
      timesMs: order.map((at) => this.#timesMs[at] ?? 0),
      successRatio: column(this.#success),
      clientsSatisfiedRatio: column(this.#satisfied),
      requestsPerSecond: column(this.#rate),
      weights: Object.fromEntries([...this.#weights].map(([key, values]) => [key, column(values)])),
    };
  }

  #forgetDeparted(present: number): void {
    let departed = this.#weights.size - present;
    for (const [key, column] of this.#weights) {
      if (departed <= 0) return;
      if (departed <= DEPARTED_MAX && !column.every(Number.isNaN)) return;
      this.#weights.delete(key);
      departed--;
    }
  }
}

const emptyColumn = (): Float32Array => new Float32Array(SAMPLES_MAX).fill(Number.NaN);

/** Four digits are what a plot shows. */
function roundedOrNull(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : Math.round(value * 1e4) / 1e4;
}
