// What the data path counts. Children are looked up once and kept, so that a request costs array writes; label sets are
// bounded by services, statuses and error codes, never by clients.

import type { ProxyErrorCode } from '../errors.ts';
import { type Counter, type Histogram, LATENCY_BOUNDS_SECONDS, type Metrics } from '../telemetry/metrics.ts';

/** Service label of what was refused before its service was known. */
export const NO_SERVICE = '';

export interface ProxyMetrics {
  ofService(service: string): ServiceMetrics;
  error(service: string, code: ProxyErrorCode): void;
}

export interface ServiceMetrics {
  /** `latencyMs`: as charged, of the request as a whole. */
  answered(status: number, latencyMs: number): void;
  retried(): void;
}

export function createProxyMetrics(metrics: Metrics): ProxyMetrics {
  const requests = metrics.counter({
    name: 'qedge_requests_total',
    help: 'Requests by status; 499: the client went away first.',
    labels: ['service', 'code'],
  });
  const durations = metrics.histogram({
    name: 'qedge_request_duration_seconds',
    help: 'From the moment a request could be sent to the last byte of its answer, less what its client took.',
    labels: ['service'],
    bounds: LATENCY_BOUNDS_SECONDS,
  });
  const retries = metrics.counter({
    name: 'qedge_retries_total',
    help: 'Tries beyond the first.',
    labels: ['service'],
  });
  const errors = metrics.counter({
    name: 'qedge_errors_total',
    help: 'Answers of the proxy itself, by error code.',
    labels: ['service', 'code'],
  });
  const services = new Map<string, ServiceMetrics>();
  return {
    ofService(service) {
      let known = services.get(service);
      if (known === undefined) {
        known = new CachedServiceMetrics(
          (code) => requests.with(service, code),
          durations.with(service),
          retries.with(service),
        );
        services.set(service, known);
      }
      return known;
    },
    error: (service, code) => errors.with(service, code).increment(),
  };
}

class CachedServiceMetrics implements ServiceMetrics {
  readonly #requests: (code: string) => Counter;
  readonly #byStatus: (Counter | undefined)[] = [];
  readonly #durations: Histogram;
  readonly #retries: Counter;

  constructor(requests: (code: string) => Counter, durations: Histogram, retries: Counter) {
    this.#requests = requests;
    this.#durations = durations;
    this.#retries = retries;
  }

  answered(status: number, latencyMs: number): void {
    let counter = this.#byStatus[status];
    if (counter === undefined) {
      counter = this.#requests(String(status));
      this.#byStatus[status] = counter;
    }
    counter.increment();
    this.#durations.observe(latencyMs / 1000);
  }

  retried(): void {
    this.#retries.increment();
  }
}
