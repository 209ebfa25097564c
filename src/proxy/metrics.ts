// What the data path counts. Children are looked up once and kept, so that a request costs array writes; label sets are
// bounded by services, statuses and error codes, never by clients.

import type { ProxyErrorCode } from '../errors.ts';
import { type Counter, type Histogram, LATENCY_BOUNDS_SECONDS, type Metrics } from '../telemetry/metrics.ts';

/** Service label of what was refused before its service was known. */
export const NO_SERVICE = '';

/** Counters of the data path. Labels are bounded by services, statuses and codes. */
export interface ProxyMetrics {
  ofService(service: string): ServiceMetrics;
  error(service: string, code: ProxyErrorCode): void;
  /** A request that was answered before its service was known. */
  withoutService(status: number): void;
  /** An X-QEdge-Deadline-Ms could not be read. */
  deadlineIgnored(service: string): void;
  /** A deadline in `baggage` was of no effect. */
  baggageIgnored(reason: string): void;
  /** A request that named a chain, and is no stage of it. `chain` empty: there is none of that name. */
  chainIgnored(chain: string, reason: string): void;
}

export interface ServiceMetrics {
  /** `latencyMs`: as charged, of the request as a whole. */
  answered(status: number, latencyMs: number): void;
  /** `status`: of gRPC. */
  grpcEnded(status: number): void;
  retried(): void;
}

export function createProxyMetrics(metrics: Metrics): ProxyMetrics {
  const requests = metrics.counter({
    name: 'qedge_requests_total',
    help: 'Requests by status; 499: the client went away first. No service: refused before it was known.',
    labels: ['service', 'code'],
  });
  const durations = metrics.histogram({
    name: 'qedge_request_duration_seconds',
    help: 'From the moment a request could be sent to its answer (qos.measure), less what its client took.',
    labels: ['service'],
    bounds: LATENCY_BOUNDS_SECONDS,
  });
  const retries = metrics.counter({
    name: 'qedge_retries_total',
    help: 'Attempts beyond the first.',
    labels: ['service'],
  });
  const grpcCalls = metrics.counter({
    name: 'qedge_grpc_calls_total',
    help: 'Calls of gRPC by the status that they ended with.',
    labels: ['service', 'rpc_grpc_status_code'],
  });
  const errors = metrics.counter({
    name: 'qedge_errors_total',
    help: 'Answers of the proxy itself, by error code.',
    labels: ['service', 'code'],
  });
  const ignored = metrics.counter({
    name: 'qedge_chain_requests_ignored_total',
    help: 'Requests with X-QEdge-Chain that are no stage of a run, by reason; they go on as requests of their service alone.',
    labels: ['chain', 'reason'],
  });
  const deadlines = metrics.counter({
    name: 'qedge_deadlines_ignored_total',
    help: 'Requests whose X-QEdge-Deadline-Ms is no number of milliseconds; they go on without.',
    labels: ['service'],
  });
  const baggage = metrics.counter({
    name: 'qedge_baggage_deadlines_ignored_total',
    help: 'Deadlines in baggage that were of no effect, by reason; the requests go on without.',
    labels: ['reason'],
  });
  const services = new Map<string, ServiceMetrics>();
  return {
    ofService(service) {
      let known = services.get(service);
      if (known === undefined) {
        known = new CachedServiceMetrics({
          requests: (code) => requests.with(service, code),
          durations: durations.with(service),
          retries: retries.with(service),
          grpcCalls: (status) => grpcCalls.with(service, status),
        });
        services.set(service, known);
      }
      return known;
    },
    withoutService: (status) => requests.with(NO_SERVICE, String(status)).increment(),
    deadlineIgnored: (service) => deadlines.with(service).increment(),
    baggageIgnored: (reason) => baggage.with(reason).increment(),
    chainIgnored: (chain, reason) => ignored.with(chain, reason).increment(),
    error: (service, code) => errors.with(service, code).increment(),
  };
}

interface ServiceChildren {
  readonly requests: (code: string) => Counter;
  readonly durations: Histogram;
  readonly retries: Counter;
  readonly grpcCalls: (status: string) => Counter;
}

class CachedServiceMetrics implements ServiceMetrics {
  readonly #requests: (code: string) => Counter;
  readonly #byStatus: (Counter | undefined)[] = [];
  readonly #durations: Histogram;
  readonly #retries: Counter;
  readonly #grpcCalls: (status: string) => Counter;

  constructor({ requests, durations, retries, grpcCalls }: ServiceChildren) {
    this.#grpcCalls = grpcCalls;
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

  grpcEnded(status: number): void {
    this.#grpcCalls(String(status)).increment();
  }

  retried(): void {
    this.#retries.increment();
  }
}
