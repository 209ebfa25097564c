// Spans on their way to a collector: gathered to batches, kept in a bounded queue while it cannot take them, counted when they
// are lost. Tracing never holds up a request: what does not fit is dropped.

import { type Logger, RateLimitedLog } from '../log.ts';
import type { Counter, Metrics } from '../metrics.ts';
import { encodeOtlpJson, type Resource } from './otlp-json.ts';
import type { Sender, SendResult } from './otlp-sender.ts';
import type { Span } from './span.ts';

export interface SpanExporterOptions {
  readonly sender: Sender;
  readonly resource: Resource;
  /** Spans that wait; more are dropped. */
  readonly queueMax: number;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** In [0, 1). */
  readonly random?: () => number;
}

/** As the SDKs of OpenTelemetry do (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, `OTEL_BSP_SCHEDULE_DELAY`). */
const BATCH_SPANS = 512;
const BATCH_DELAY_MS = 5_000;
/** A batch that was not taken so many times is given up. */
const ATTEMPTS_MAX = 5;
const BACKOFF_MS_MIN = 1_000;
/** Also for what a collector asks for: the queue does not grow for it. */
const BACKOFF_MS_MAX = 30_000;
const LOG_INTERVAL_MS = 60_000;

export class SpanExporter {
  readonly #options: SpanExporterOptions;
  readonly #random: () => number;
  readonly #exported: Counter;
  readonly #dropped: Counter;
  readonly #failed: Counter;
  readonly #failures = new RateLimitedLog(LOG_INTERVAL_MS);
  #queue: Span[] = [];
  #timer: NodeJS.Timeout | null = null;
  #sending: Promise<void> | null = null;
  /** Ends a pause between two attempts. */
  #wake: () => void = () => {};
  #stopping = false;
  readonly #abort = new AbortController();

  constructor(options: SpanExporterOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    const spans = options.metrics.counter({
      name: 'qedge_trace_spans_total',
      help: 'Spans by what became of them: exported, dropped (the queue was full) or failed (the collector did not take them).',
      labels: ['result'],
    });
    this.#exported = spans.with('exported');
    this.#dropped = spans.with('dropped');
    this.#failed = spans.with('failed');
  }

  add(span: Span): void {
    if (this.#queue.length >= this.#options.queueMax || this.#stopping) {
      this.#dropped.increment();
      return;
    }
    this.#queue.push(span);
    if (this.#sending !== null) return;
    if (this.#queue.length >= BATCH_SPANS) this.#start();
    else this.#timer ??= setTimeout(() => this.#start(), BATCH_DELAY_MS).unref();
  }

  /** Sends what is left, for `graceMs` at most, each batch once. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const patience = setTimeout(() => this.#abort.abort(), graceMs);
    this.#wake();
    await this.#sending;
    if (this.#queue.length > 0) await this.#send();
    clearTimeout(patience);
    this.#failed.increment(this.#queue.length);
    this.#queue = [];
    await this.#options.sender.close();
  }

  #start(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#sending = this.#send().finally(() => {
      this.#sending = null;
      if (this.#queue.length > 0 && !this.#stopping) {
        this.#timer ??= setTimeout(() => this.#start(), BATCH_DELAY_MS).unref();
      }
    });
  }

  /** All that waits now, and further batches as long as they are full. */
  async #send(): Promise<void> {
    do {
      const batch = this.#queue.slice(0, BATCH_SPANS);
      this.#queue = this.#queue.slice(BATCH_SPANS);
      await this.#deliver(batch);
    } while (
      (this.#queue.length >= BATCH_SPANS || (this.#stopping && this.#queue.length > 0)) &&
      !this.#abort.signal.aborted
    );
  }

  async #deliver(batch: readonly Span[]): Promise<void> {
    const { sender, resource } = this.#options;
    const body = encodeOtlpJson(resource, batch);
    for (let attempts = 1; ; attempts++) {
      const result = await sender.send(body, this.#abort.signal);
      if (result.kind === 'later' && attempts < ATTEMPTS_MAX && !this.#stopping) {
        await this.#pause(this.#backoffMs(attempts, result.afterMs));
        continue;
      }
      this.#account(result, batch.length);
      return;
    }
  }

  #account(result: SendResult, spans: number): void {
    const lost = result.kind === 'taken' ? Math.min(spans, result.rejected) : spans;
    this.#exported.increment(spans - lost);
    this.#failed.increment(lost);
    if (lost === 0) return;
    const { reason } = result;
    const suppressed = this.#failures.admit('', performance.now());
    if (suppressed !== null) this.#options.log.warn({ spans: lost, reason, suppressed }, 'traces were not delivered');
  }

  /** Doubles each time, with jitter, so that many proxies do not come back at one moment. */
  #backoffMs(attempts: number, askedMs: number | null): number {
    const ownMs = BACKOFF_MS_MIN * 2 ** (attempts - 1) * (0.5 + this.#random());
    return Math.min(BACKOFF_MS_MAX, Math.max(ownMs, askedMs ?? 0));
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#stopping) this.#wake();
    });
  }
}
