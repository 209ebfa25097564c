import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StageLatency } from '../../../src/core/chain/stage-latency.ts';

describe('the latency of a stage', () => {
  it('has quantiles within a bin of the exact ones', () => {
    const someMs = fc.array(fc.double({ min: 0.2, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(someMs, fc.double({ min: 0.05, max: 1, noNaN: true }), (all, ratio) => {
        const latency = new StageLatency();
        for (const ms of all) latency.observe(ms);
        const sorted = [...all].sort((a, b) => a - b);
        const quantileMs = latency.quantileMs(ratio);
        expect(quantileMs).toBeGreaterThan((sorted[0] ?? 0) / 1.11);
        expect(quantileMs).toBeLessThan((sorted.at(-1) ?? 0) * 1.11);
      }),
      { numRuns: 60 },
    );
  });

  it('forgets what was long ago', () => {
    const latency = new StageLatency();
    for (let i = 0; i < 1000; i++) latency.observe(10);
    for (let i = 0; i < 120; i++) latency.observe(80);
    expect(latency.quantileMs(0.5)).toBeGreaterThan(70);
  });

  it('stays exact after any number of answers', () => {
    const latency = new StageLatency();
    for (let i = 0; i < 100_000; i++) latency.observe(i % 10 === 9 ? 100 : 10);
    expect(latency.quantileMs(0.5)).toBeLessThan(11.1);
    expect(latency.quantileMs(0.97)).toBeGreaterThan(90);
  });
});
