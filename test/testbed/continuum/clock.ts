// The clock that all processes of one machine share, CLOCK_MONOTONIC, and what the machine itself holds up.

import type { Span } from './network.ts';

const WATCH_MS = 10;
/** Later than this, the machine was busy with something else: an eighth of the limit of 80 ms. */
export const LATE_MS = 10;

/** Milliseconds, comparable between processes. */
export function clockMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** Reports when this process did not get to run, or did not come round to its events, by a timer that comes late. */
export function watchStalls(onStall: (span: Span) => void): void {
  let lastMs = clockMs();
  setInterval(() => {
    const nowMs = clockMs();
    const dueMs = lastMs + WATCH_MS;
    if (nowMs - dueMs > LATE_MS) onStall({ fromMs: dueMs, toMs: nowMs });
    lastMs = nowMs;
  }, WATCH_MS);
}
