import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencyWindow, SAMPLES_MAX } from '../../../src/core/stats/latency-window.ts';
import { restoreWindow, snapshotWindow } from '../../../src/core/stats/window-snapshot.ts';

const WINDOW_MS = 1000;

function contents(window: LatencyWindow): (readonly [number, number])[] {
  return Array.from({ length: window.size }, (_, i) => [window.atMs(i), window.latencyMs(i)] as const);
}

describe('latency window', () => {
  it('holds exactly the samples of the last W, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 300 }), { maxLength: 300 }), fc.nat({ max: 2000 }), (gaps, idleMs) => {
        const window = new LatencyWindow(WINDOW_MS);
        const all: [number, number][] = [];
        let nowMs = 0;
        for (const [i, gap] of gaps.entries()) {
          nowMs += gap;
          window.push(nowMs, i);
          all.push([nowMs, i]);
          expect(contents(window)).toEqual(all.filter(([atMs]) => nowMs - atMs <= WINDOW_MS));
        }
        nowMs += idleMs;
        window.expire(nowMs);
        expect(contents(window)).toEqual(all.filter(([atMs]) => nowMs - atMs <= WINDOW_MS));
      }),
      { numRuns: 40 },
    );
  });

  it('is bounded: the youngest samples push the oldest out', () => {
    const window = new LatencyWindow(WINDOW_MS);
    for (let i = 0; i < 3 * SAMPLES_MAX; i++) window.push(i / 1e6, i);
    expect(window.size).toBe(SAMPLES_MAX);
    expect(window.latencyMs(0)).toBe(2 * SAMPLES_MAX);
    expect(window.latencyMs(SAMPLES_MAX - 1)).toBe(3 * SAMPLES_MAX - 1);
  });

  it('comes back from a snapshot without what is older than W by then', () => {
    const window = new LatencyWindow(WINDOW_MS);
    window.push(100, 20);
    window.push(400, Number.POSITIVE_INFINITY);
    window.push(900, 33.3);
    const snapshot = JSON.parse(JSON.stringify(snapshotWindow(window, 1000)));
    const restored = new LatencyWindow(WINDOW_MS);
    restoreWindow(restored, snapshot, { ageMs: 200, nowMs: 50 });
    expect(contents(restored)).toEqual([
      [-750, Number.POSITIVE_INFINITY],
      [-250, 33.3],
    ]);
    for (const wrong of [null, 'x', [1], [1, 'x'], { 0: 1 }]) {
      restoreWindow(restored, wrong, { ageMs: 0, nowMs: 50 });
      expect(restored.size).toBe(0);
    }
  });
});
