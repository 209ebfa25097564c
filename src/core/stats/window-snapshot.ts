// A latency window as plain JSON: [age, latency, age, latency …], oldest first, ages in ms, −1 for a failure.

import { pairsOf, tenths } from '../snapshot-shape.ts';
import type { LatencyWindow } from './latency-window.ts';

const FAILED = -1;

/**
 * Samples kept of one window, the newest: enough for any estimate (a proportion of 256 has a standard error of 2 to 3 %), and a bound on what
 * is written at any rate of traffic.
 */
const SAMPLES_KEPT_MAX = 256;

/** The newest samples, as plain numbers: age and latency in turn, ms. */
export function snapshotWindow(window: LatencyWindow, nowMs: number): number[] {
  const flat: number[] = [];
  for (let i = Math.max(0, window.size - SAMPLES_KEPT_MAX); i < window.size; i++) {
    const latencyMs = window.latencyMs(i);
    flat.push(Math.round(nowMs - window.atMs(i)), latencyMs === Number.POSITIVE_INFINITY ? FAILED : tenths(latencyMs));
  }
  return flat;
}

/** Puts back a snapshot that is `ageMs` old, in place of what the window held; samples older than W are dropped. */
export function restoreWindow(
  window: LatencyWindow,
  snapshot: unknown,
  time: { readonly ageMs: number; readonly nowMs: number },
): void {
  window.clear();
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const [age, latency] of pairsOf(snapshot)) {
    const atMs = time.nowMs - time.ageMs - age;
    if (!(age >= 0) || !(atMs >= lastMs) || !(latency >= FAILED)) continue;
    window.push(atMs, latency === FAILED ? Number.POSITIVE_INFINITY : latency);
    lastMs = atMs;
  }
  window.expire(time.nowMs);
}
