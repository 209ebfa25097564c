import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '../../../src/telemetry/log.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import type { Sender, SendResult } from '../../../src/telemetry/traces/otlp-sender.ts';
import type { Span } from '../../../src/telemetry/traces/span.ts';
import { SpanExporter } from '../../../src/telemetry/traces/span-exporter.ts';
import { textOf } from '../../support/metrics.ts';
import { exportTraceServiceRequest } from '../../support/otlp-schema.ts';

/** As the SDKs of OpenTelemetry do. */
const BATCH_SPANS = 512;
const BATCH_DELAY_MS = 5_000;
const ATTEMPTS_MAX = 5;
const BACKOFF_MS_MIN = 1_000;
const BACKOFF_MS_MAX = 30_000;

const SPAN: Span = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: null,
  remoteParent: false,
  traceState: '',
  kind: 'server',
  name: 'GET',
  startMs: 1_700_000_000_000.25,
  endMs: 1_700_000_000_010,
  attributes: [['qedge.attempts', 1]],
  failed: false,
};
const TAKEN: SendResult = { kind: 'taken', rejected: 0, reason: '' };
const LATER: SendResult = { kind: 'later', afterMs: null, reason: 'status 503' };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A collector that answers what it is asked, at once or when it is let. */
function setUp(queueMax = 2048) {
  const sent: number[] = [];
  let result = TAKEN;
  let hold: Promise<void> | null = null;
  let closed = false;
  const sender: Sender = {
    async send(body) {
      const { resourceSpans } = exportTraceServiceRequest.parse(JSON.parse(body));
      sent.push(resourceSpans[0]?.scopeSpans[0]?.spans.length ?? 0);
      if (hold !== null) await hold;
      return result;
    },
    async close() {
      closed = true;
    },
  };
  const metrics = createMetrics();
  const lines: string[] = [];
  const log = createLogger({ level: 'warn', nodeId: 'n', destination: { write: (line) => void lines.push(line) } });
  const exporter = new SpanExporter({
    sender,
    resource: { version: '1', attributes: [['service.name', 'qedge']] },
    queueMax,
    metrics,
    log,
    random: () => 0.5,
  });
  const spans = (count: number): void => {
    for (let i = 0; i < count; i++) exporter.add(SPAN);
  };
  const counts = (): Record<string, number> =>
    Object.fromEntries(
      [...textOf(metrics).matchAll(/^qedge_trace_spans_total\{result="(\w+)"\} (\d+)$/gm)].map(
        ([, name = '', count]) => [name, Number(count)],
      ),
    );
  return {
    exporter,
    sent,
    spans,
    counts,
    lines,
    answer: (next: SendResult) => {
      result = next;
    },
    hold: (until: Promise<void>) => {
      hold = until;
    },
    isClosed: () => closed,
  };
}

describe('batches', () => {
  it('go after five seconds, or as soon as one is full', async () => {
    const { spans, sent, counts } = setUp();
    spans(3);
    await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS - 1);
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent).toEqual([3]);
    spans(BATCH_SPANS);
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toEqual([3, BATCH_SPANS]);
    expect(counts()).toEqual({ exported: 3 + BATCH_SPANS, dropped: 0, failed: 0 });
  });

  it('go one after the other, and what came meanwhile follows', async () => {
    const { spans, sent, hold } = setUp();
    const gate = Promise.withResolvers<void>();
    hold(gate.promise);
    spans(BATCH_SPANS);
    await vi.advanceTimersByTimeAsync(0);
    spans(BATCH_SPANS + 7);
    await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
    expect(sent).toEqual([BATCH_SPANS]);
    gate.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toEqual([BATCH_SPANS, BATCH_SPANS]);
    await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
    expect(sent).toEqual([BATCH_SPANS, BATCH_SPANS, 7]);
  });
});

describe('a collector that cannot take them', () => {
  it('is tried again with doubling pauses, then the batch is given up, and the log says so', async () => {
    const { spans, sent, answer, counts, lines } = setUp();
    answer(LATER);
    spans(1);
    await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
    expect(sent).toHaveLength(1);
    for (let attempts = 2; attempts <= ATTEMPTS_MAX; attempts++) {
      await vi.advanceTimersByTimeAsync(BACKOFF_MS_MIN * 2 ** (attempts - 2) - 1);
      expect(sent).toHaveLength(attempts - 1);
      await vi.advanceTimersByTimeAsync(1);
      expect(sent).toHaveLength(attempts);
    }
    await vi.advanceTimersByTimeAsync(BACKOFF_MS_MAX);
    expect(sent).toHaveLength(ATTEMPTS_MAX);
    expect(counts()).toEqual({ exported: 0, dropped: 0, failed: 1 });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { msg: 'traces were not delivered', spans: 1, reason: 'status 503', suppressed: 0 },
    ]);
  });

  it('is given the time that it asks for, within reason', async () => {
    const { spans, sent, answer } = setUp();
    answer({ ...LATER, afterMs: 7_000 });
    spans(1);
    await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS + 6_999);
    expect(sent).toHaveLength(1);
    answer({ ...LATER, afterMs: 3_600_000 });
    await vi.advanceTimersByTimeAsync(1);
    expect(sent).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(BACKOFF_MS_MAX);
    expect(sent).toHaveLength(3);
  });

  it('makes the queue fill up to its bound; what is more is dropped and counted', async () => {
    const { spans, sent, answer, counts } = setUp(10);
    answer(LATER);
    spans(10);
    await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
    spans(25);
    expect(counts()).toEqual({ exported: 0, dropped: 15, failed: 0 });
    answer(TAKEN);
    await vi.advanceTimersByTimeAsync(BACKOFF_MS_MIN + BATCH_DELAY_MS);
    expect(sent).toEqual([10, 10, 10]);
    expect(counts()).toEqual({ exported: 20, dropped: 15, failed: 0 });
  });

  it('is not tried again when it refuses, in whole or in part', async () => {
    const { spans, sent, answer, counts } = setUp();
    answer({ kind: 'refused', reason: 'status 400' });
    spans(2);
    await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
    answer({ kind: 'taken', rejected: 1, reason: 'too old' });
    spans(3);
    await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
    expect(sent).toEqual([2, 3]);
    expect(counts()).toEqual({ exported: 2, dropped: 0, failed: 3 });
  });
});

describe('a stop', () => {
  it('sends what waits, in batches, and closes', async () => {
    const { exporter, spans, sent, isClosed } = setUp();
    spans(BATCH_SPANS - 1);
    const stopped = exporter.stop(1_000);
    await vi.advanceTimersByTimeAsync(0);
    await stopped;
    expect(sent).toEqual([BATCH_SPANS - 1]);
    expect(isClosed()).toBe(true);
  });

  it('does not wait out a pause, and attempts only once more', async () => {
    const { exporter, spans, sent, answer, counts } = setUp();
    answer({ ...LATER, afterMs: 20_000 });
    spans(1);
    await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
    const stopped = exporter.stop(1_000);
    await vi.advanceTimersByTimeAsync(0);
    await stopped;
    expect(sent).toEqual([1, 1]);
    expect(counts()).toEqual({ exported: 0, dropped: 0, failed: 1 });
  });

  it('sends no batch of nothing, though the time of one comes while it waits', async () => {
    const { exporter, spans, sent, hold } = setUp();
    const gate = Promise.withResolvers<void>();
    hold(gate.promise);
    spans(1);
    const stopped = exporter.stop(2 * BATCH_DELAY_MS);
    await vi.advanceTimersByTimeAsync(BATCH_DELAY_MS);
    gate.resolve();
    await stopped;
    expect(sent).toEqual([1]);
  });
});
