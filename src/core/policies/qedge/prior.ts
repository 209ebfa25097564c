// What can be said of an instance before it has answered anything: by its round trip, and by what an unloaded instance
// of the service takes.

import { normalCdf } from '../../stats/normal.ts';
import type { QedgeScale } from './options.ts';

export interface Distance {
  readonly rttMs: number;
  /** τ. */
  readonly latencyMs: number;
  /** q20. */
  readonly unloadedMs: number;
}

/** p₀ = Φ((τ − ℓⁿ − 1.6·q20 − 4 ms) / 6 ms): success probability before any sample. */
export function priorSuccess({ rttMs, latencyMs, unloadedMs }: Distance, scale: QedgeScale): number {
  return normalCdf((latencyMs - rttMs - 1.6 * unloadedMs - scale.priorMarginMs) / scale.priorWidthMs);
}

/** The cold start's weight before normalising: clamp((0.9 τ − ℓⁿ)/(0.25 τ), 0.001, 1), three times that on the own node. */
export function startWeight(rttMs: number, latencyMs: number, local: boolean): number {
  const slack = (0.9 * latencyMs - rttMs) / (0.25 * latencyMs);
  return Math.min(1, Math.max(0.001, slack)) * (local ? 3 : 1);
}
