// Metrics of the store.

import type { Counter, Metrics } from '../telemetry/metrics.ts';
import type { StoreFailure } from './messages.ts';

/** How the store is, for the API. */
export interface StoreFacts {
  readonly path: string;
  readonly ok: boolean;
  readonly detail: string;
  /** Wall clock, ms since the epoch; null before the first. */
  readonly lastFlushMs: number | null;
  /** Size on disk, WAL included; null when there is no file. */
  readonly bytes: number | null;
}

export interface StoreMetrics {
  readonly flushes: Counter;
  readonly rows: Counter;
  readonly dropped: Counter;
  readonly flushSeconds: { observe(seconds: number): void };
  /** Time that the disk took. */
  readonly writeSeconds: { observe(seconds: number): void };
  failure(failure: StoreFailure): void;
}

/** A flush takes a millisecond or so; a tenth of a second would be felt by traffic. */
const FLUSH_BOUNDS_SECONDS: readonly number[] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1];

/** Cards pause for seconds. */
const WRITE_BOUNDS_SECONDS: readonly number[] = [0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 30];

export function createStoreMetrics(metrics: Metrics, facts: () => StoreFacts): StoreMetrics {
  const failures = metrics.counter({
    name: 'qedge_store_failures_total',
    help: 'Writes and openings of the store that failed, by error code.',
    labels: ['code'],
  });
  const bytes = metrics.gauge({ name: 'qedge_store_bytes', help: 'Size of the store on disk, WAL included.' }).with();
  const ok = metrics
    .gauge({ name: 'qedge_store_ok', help: 'Whether the store can be written and put on the disk (1 or 0).' })
    .with();
  metrics.onScrape(() => {
    const now = facts();
    bytes.set(now.bytes ?? 0);
    ok.set(now.ok ? 1 : 0);
  });
  return {
    flushes: metrics
      .counter({ name: 'qedge_store_flushes_total', help: 'Times the state was written, or found unchanged.' })
      .with(),
    rows: metrics.counter({ name: 'qedge_store_rows_total', help: 'Rows written to the store.' }).with(),
    dropped: metrics
      .counter({
        name: 'qedge_store_rows_dropped_total',
        help: 'Rows of the store that did not fit their schema at the start, and were left out.',
      })
      .with(),
    flushSeconds: metrics
      .histogram({
        name: 'qedge_store_flush_seconds',
        help: 'Time a flush held the event loop.',
        bounds: FLUSH_BOUNDS_SECONDS,
      })
      .with(),
    writeSeconds: metrics
      .histogram({
        name: 'qedge_store_write_seconds',
        help: 'Time a write or a sync of the store took on its own thread, where it holds up nothing.',
        bounds: WRITE_BOUNDS_SECONDS,
      })
      .with(),
    failure: ({ code }) => failures.with(code || 'other').increment(),
  };
}
