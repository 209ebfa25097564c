import { describe, expect, it } from 'vitest';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';
import { textOf } from '../support/metrics.ts';

function registry(requests: number, seconds: readonly number[]): Metrics {
  const metrics = createMetrics();
  const counter = metrics.counter({ name: 'test_requests_total', help: 'Requests.', labels: ['code'] });
  counter.with('200').increment(requests);
  const histogram = metrics.histogram({ name: 'test_seconds', help: 'Time.', bounds: [0.1, 1] }).with();
  for (const second of seconds) histogram.observe(second);
  return metrics;
}

describe('metrics', () => {
  it('puts a value on a bound into the bucket of that bound', () => {
    const text = textOf(registry(0, [0.1, 0.5, 7]));
    expect(text).toContain('test_seconds_bucket{le="0.1"} 1\n');
    expect(text).toContain('test_seconds_bucket{le="1"} 2\n');
    expect(text).toContain('test_seconds_bucket{le="+Inf"} 3\n');
  });

  it('adds up what other threads export, and keeps only the last of each', () => {
    const metrics = registry(1, [0.05]);
    metrics.take('worker-1', registry(5, [0.5]).export());
    metrics.take('worker-1', registry(7, [0.5, 0.6]).export());
    metrics.take('worker-2', registry(2, []).export());
    const text = textOf(metrics);
    expect(text).toContain('test_requests_total{code="200"} 10\n');
    expect(text).toContain('test_seconds_bucket{le="1"} 3\n');
    expect(text).toContain('test_seconds_sum 1.1500000000000001\n');
    expect(text.match(/# TYPE test_requests_total/g)).toHaveLength(1);
    // Asked again, nothing has been counted twice.
    expect(textOf(metrics)).toBe(text);
  });

  it('keeps what a thread that is gone has counted, and adds what the one in its place counts', () => {
    const metrics = registry(1, []);
    const gauge = (value: number): Metrics => {
      const other = registry(5, [0.5]);
      other.gauge({ name: 'test_open', help: 'Open.' }).with().set(value);
      return other;
    };
    metrics.take('worker-1', gauge(3).export());
    metrics.retire('worker-1');
    metrics.retire('worker-1');
    expect(textOf(metrics)).toContain('test_requests_total{code="200"} 6\n');
    expect(textOf(metrics)).toContain('test_seconds_count 1\n');
    expect(textOf(metrics)).not.toContain('test_open');
    metrics.take('worker-1', gauge(2).export());
    expect(textOf(metrics)).toContain('test_requests_total{code="200"} 11\n');
    expect(textOf(metrics)).toContain('test_open 2\n');
  });

  it('takes in families that only another thread has', () => {
    const metrics = createMetrics();
    metrics.take('worker-1', registry(3, []).export());
    expect(textOf(metrics)).toContain('test_requests_total{code="200"} 3\n');
  });
});
