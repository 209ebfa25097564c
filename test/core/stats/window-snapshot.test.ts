import { describe, expect, it } from 'vitest';
import { LatencyWindow } from '../../../src/core/stats/latency-window.ts';
import { restoreWindow, snapshotWindow } from '../../../src/core/stats/window-snapshot.ts';

function windowOf(count: number): LatencyWindow {
  const window = new LatencyWindow(10_000);
  for (let i = 0; i < count; i++) window.push(i, i % 7 === 0 ? Number.POSITIVE_INFINITY : i);
  return window;
}

const latenciesOf = (window: LatencyWindow): number[] =>
  Array.from({ length: window.size }, (_, i) => window.latencyMs(i));

describe('the snapshot of a window', () => {
  it('comes back as it was, failures included', () => {
    const window = windowOf(100);
    const restored = new LatencyWindow(10_000);
    restoreWindow(restored, snapshotWindow(window, 500), { ageMs: 0, nowMs: 500 });
    expect(latenciesOf(restored)).toEqual(latenciesOf(window));
  });

  it('keeps the newest samples of a window that is full of them', () => {
    const window = windowOf(3000);
    const restored = new LatencyWindow(10_000);
    restoreWindow(restored, snapshotWindow(window, 3000), { ageMs: 0, nowMs: 3000 });
    expect(restored.size).toBe(256);
    expect(latenciesOf(restored)).toEqual(latenciesOf(window).slice(-256));
  });

  it('loses what grew older than W meanwhile', () => {
    const restored = new LatencyWindow(10_000);
    restoreWindow(restored, snapshotWindow(windowOf(100), 99), { ageMs: 9950, nowMs: 50_000 });
    expect(restored.size).toBe(51);
    restoreWindow(restored, snapshotWindow(windowOf(100), 99), { ageMs: 1e12, nowMs: 50_000 });
    expect(restored.size).toBe(0);
  });
});
