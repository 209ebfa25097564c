// The last minutes of every service, so that a dashboard opened in the middle of trouble shows how it came about: a ring
// of samples, taken by a slow timer, also while no dashboard is open.

import type { InstanceKey } from '../../core/domain.ts';
import type { InstanceState, ServiceOverview } from '../../core/service-router.ts';

/** Between two samples, ms. */
export const HISTORY_INTERVAL_MS = 2_000;
/** Ten minutes. */
const SAMPLES_MAX = 300;
/** One sample more: the one that is being written. */
const PLACES = SAMPLES_MAX + 1;
/** At most this many departed instances of a service are kept, the latest. */
const DEPARTED_MAX = 64;

/** What the dashboard plots of one service: a sample every `intervalMs`, the oldest first. */
export interface ServiceHistory {
  readonly intervalMs: number;
  /** Wall clock, ms since the epoch, as it is set when this is read; ascending. */
  readonly timesMs: readonly number[];
  readonly successRatio: readonly (number | null)[];
  readonly clientsSatisfiedRatio: readonly (number | null)[];
  readonly requestsPerSecond: readonly (number | null)[];
  /** Share of requests by instance; null where it did not exist. */
  readonly weights: Readonly<Record<InstanceKey, readonly (number | null)[]>>;
}

/** What is sampled of a service. */
export interface SampledService {
  readonly overview: Pick<ServiceOverview, 'service' | 'successRatio' | 'clientsSatisfiedRatio' | 'requestsPerSecond'>;
  readonly instances: Iterable<Pick<InstanceState, 'key' | 'weight'>>;
}

/**
 * Bounded: services × (instances + 64 + 4) × 301 samples of 4 bytes. A departed instance stays until its last sample,
 * unless more than 64 have departed: instances that get new names would fill the memory.
 */
export class History {
  readonly #services = new Map<string, ServiceRing>();

  /** A sample of all services, in steps: there may be thousands of instances. */
  *sample(services: Iterable<SampledService>, nowMs: number): Iterable<void> {
    const names = new Set<string>();
    for (const { overview, instances } of services) {
      names.add(overview.service);
      yield* this.#ringOf(overview.service).sample({ overview, instances }, nowMs);
    }
    for (const name of this.#services.keys()) if (!names.has(name)) this.#services.delete(name);
  }

  /** Null for a service that was never sampled. `wallMsOf`: a time of the clock as wall clock. */
  of(service: string, wallMsOf: (clockMs: number) => number): ServiceHistory | null {
    return this.#services.get(service)?.read(wallMsOf) ?? null;
  }

  #ringOf(service: string): ServiceRing {
    let ring = this.#services.get(service);
    if (ring === undefined) {
      ring = new ServiceRing();
      this.#services.set(service, ring);
    }
    return ring;
  }
}

class ServiceRing {
  readonly #timesMs = new Float64Array(PLACES);
  readonly #success = emptyColumn();
  readonly #satisfied = emptyColumn();
  readonly #rate = emptyColumn();
  readonly #weights = new Map<InstanceKey, Float32Array>();
  #written = 0;

  /** It is not read before it is whole. */
  *sample({ overview, instances }: SampledService, nowMs: number): Iterable<void> {
    const at = this.#written % PLACES;
    this.#timesMs[at] = nowMs;
    this.#success[at] = overview.successRatio ?? Number.NaN;
    this.#satisfied[at] = overview.clientsSatisfiedRatio ?? Number.NaN;
    this.#rate[at] = overview.requestsPerSecond;
    for (const column of this.#weights.values()) column[at] = Number.NaN;
    let present = 0;
    for (const { key, weight } of instances) {
      const column = this.#weights.get(key) ?? emptyColumn();
      column[at] = weight;
      // Re-inserted, so that departed instances come first, the oldest departure first.
      this.#weights.delete(key);
      this.#weights.set(key, column);
      if (++present % STEP_INSTANCES === 0) yield;
    }
    this.#forgetDeparted(present);
    this.#written++;
  }

  read(wallMsOf: (clockMs: number) => number): ServiceHistory {
    const order = Array.from({ length: Math.min(this.#written, SAMPLES_MAX) }, (_, i) => {
      const oldest = Math.max(0, this.#written - SAMPLES_MAX);
      return (oldest + i) % PLACES;
    });
    const column = (values: Float32Array): (number | null)[] => order.map((at) => roundedOrNull(values[at]));
    return {
      intervalMs: HISTORY_INTERVAL_MS,
      timesMs: order.map((at) => Math.round(wallMsOf(this.#timesMs[at] ?? 0))),
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

/** A fraction of a millisecond's work. */
const STEP_INSTANCES = 64;

const emptyColumn = (): Float32Array => new Float32Array(PLACES).fill(Number.NaN);

/** Four digits are what a plot shows. */
function roundedOrNull(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : Math.round(value * 1e4) / 1e4;
}
