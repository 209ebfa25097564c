// Whether an instance should be passed over right now, under any policy.

import type { Candidate } from '../domain.ts';
import type { Policy } from './policy.ts';

/** How long is too long. */
export interface Lateness {
  /** τ. */
  readonly latencyMs: number;
  /** How readily a late answer is risked, from 0, also where it is absent, to 1. */
  readonly patience?: number;
}

/** By the policy where it says so, else while it is ejected, or by a request older than τ. */
export function isLate(
  policy: Policy,
  candidate: Candidate,
  { latencyMs, patience = 0 }: Lateness,
  nowMs: number,
): boolean {
  if (policy.isLate !== undefined) return policy.isLate(candidate, nowMs, patience);
  return policy.cooldownUntilMs(candidate) > nowMs || nowMs - candidate.oldestStartMs > latencyMs;
}
