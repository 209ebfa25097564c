import { describe, expect, it } from 'vitest';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';

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
    const text = registry(0, [0.1, 0.5, 7]).render();
    expect(text).toContain('test_seconds_bucket{le="0.1"} 1\n');
    expect(text).toContain('test_seconds_bucket{le="1"} 2\n');
    expect(text).toContain('test_seconds_bucket{le="+Inf"} 3\n');
  });

  it('adds up what other threads export, and keeps only the last of each', () => {
    const metrics = registry(1, [0.05]);
    metrics.take('worker-1', registry(5, [0.5]).export());
    metrics.take('worker-1', registry(7, [0.5, 0.6]).export());
    metrics.take('worker-2', registry(2, []).export());
    const text = metrics.render();
    expect(text).toContain('test_requests_total{code="200"} 10\n');
    expect(text).toContain('test_seconds_bucket{le="1"} 3\n');
    expect(text).toContain('test_seconds_sum 1.1500000000000001\n');
    expect(text.match(/# TYPE test_requests_total/g)).toHaveLength(1);
    // Asked again, nothing has been counted twice.
    expect(metrics.render()).toBe(text);
  });

  it('takes in families that only another thread has', () => {
    const metrics = createMetrics();
    metrics.take('worker-1', registry(3, []).export());
    expect(metrics.render()).toContain('test_requests_total{code="200"} 3\n');
  });
});
