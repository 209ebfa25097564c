// What befalls all instances alike says nothing of any one of them: an uplink that stalls, a node whose own CPU is taken, a
// burst of clients. Each then misses a few requests, which ones is chance, and weights that follow chance drift until one
// instance holds them all. So the estimates are drawn towards their common mean as far as their differences are no larger than
// chance makes them: the empirical Bayes of Efron and Morris, "Stein's estimation rule and its competitors", JASA 68 (1973),
// with the variances of binomial shares.
//
// Deviation: the pseudo-code moves weights by the raw estimates.

import type { Candidate } from '../../domain.ts';

/** Misses come in clusters: those that wait in one queue miss together, which chance alone would not do. */
const OVERDISPERSION = 2;
/** Below this variance all is well everywhere, and any difference is as good as another. */
const VARIANCE_MIN = 1e-4;

export interface Shares {
  /** P_m, by handle. */
  readonly success: Float64Array;
  /** Samples behind it, those in flight and overdue and the prior included. */
  readonly evidence: Float64Array;
}

/** What is left of P_m − mean: P_m becomes mean + kept · (P_m − mean). */
export interface Shrinkage {
  readonly mean: number;
  readonly kept: number;
}

/**
 * How far to trust the differences between `members`. While nearly all requests succeed, misses are so few that shrinking
 * would only blur who causes them: it sets in with the cube of the share of misses, and in full where that is 1 − ρ.
 */
export function shrinkageOf(members: readonly Candidate[], shares: Shares, successRatio: number): Shrinkage {
  const { success, evidence } = shares;
  let total = 0;
  let sum = 0;
  for (const { handle } of members) {
    total += evidence[handle] as number;
    sum += (evidence[handle] as number) * (success[handle] as number);
  }
  const mean = sum / total;
  let spread = 0;
  for (const { handle } of members) spread += (evidence[handle] as number) * ((success[handle] as number) - mean) ** 2;
  const byChance = (members.length - 1) * Math.max(VARIANCE_MIN, mean * (1 - mean));
  const missRatio = Math.min(1, (1 - mean) / (1 - successRatio));
  const kept = spread > 0 ? Math.max(0, 1 - (OVERDISPERSION * missRatio ** 3 * byChance) / spread) : 1;
  return { mean, kept };
}
