// How long to wait before the next attempt: exponential, with full jitter, so that a fleet whose broker came back does not
// come back all at once (Brooker, "Exponential backoff and jitter", AWS Architecture Blog 2015).

import type { Rng } from '../core/rng.ts';

/** First ceiling, ms: a broker that restarts is back within about a second. */
const BACKOFF_BASE_MS = 500;
/** Last ceiling, ms: how late a fleet may notice a broker that was gone for long. */
const BACKOFF_MS_MAX = 15_000;
/** Never sooner than this, ms. */
const BACKOFF_MS_MIN = 50;

/** Wait before attempt `attempt` (0 for the first retry), ms. */
export function backoffMs(attempt: number, rng: Rng): number {
  const ceilingMs = Math.min(BACKOFF_MS_MAX, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 30));
  return BACKOFF_MS_MIN + rng.next() * (ceilingMs - BACKOFF_MS_MIN);
}
