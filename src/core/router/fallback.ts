// Which instance gets a request when the policy wants none: as long as any instance lives, a request is tried.

import type { Candidate } from '../domain.ts';
import type { Policy } from '../policies/policy.ts';

/** The part of a policy that ranks the fallback. */
type Ranking = Pick<Policy, 'cooldownUntilMs' | 'successEstimate'>;

/**
 * Returns the candidate, of those whose round trip fits `latencyMs`, whose cooldown ends first, or has ended while the policy has
 * not taken it back yet; null when none of them is ejected.
 */
export function firstToReturn(candidates: readonly Candidate[], policy: Ranking, latencyMs: number): Candidate | null {
  let first: Candidate | null = null;
  let firstUntilMs = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const untilMs = policy.cooldownUntilMs(candidate);
    if (untilMs > Number.NEGATIVE_INFINITY && untilMs < firstUntilMs && candidate.rttMs <= latencyMs) {
      first = candidate;
      firstUntilMs = untilMs;
    }
  }
  return first;
}

/** The candidate with the best success estimate, the nearer on a tie; the nearest when nothing is estimated. Null for none. */
export function bestOrNearest(candidates: readonly Candidate[], policy: Ranking): Candidate | null {
  let best: Candidate | null = null;
  let bestEstimate = Number.NEGATIVE_INFINITY;
  for (const candidate of candidates) {
    const estimate = policy.successEstimate(candidate);
    const known = Number.isNaN(estimate) ? Number.NEGATIVE_INFINITY : estimate;
    const nearer = best === null || candidate.rttMs < best.rttMs;
    if (known > bestEstimate || (known === bestEstimate && nearer)) {
      best = candidate;
      bestEstimate = known;
    }
  }
  return best;
}
