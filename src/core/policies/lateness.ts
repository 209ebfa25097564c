// Whether an instance should be passed over right now, under any policy.

import type { Candidate } from '../domain.ts';
import type { Policy } from './policy.ts';

/** By the policy where it says so, else while it is ejected, or by a request older than τ. */
export function isLate(
  policy: Policy,
  candidate: Candidate,
  { latencyMs }: { readonly latencyMs: number },
  nowMs: number,
): boolean {
  if (policy.isLate !== undefined) return policy.isLate(candidate, nowMs);
  return policy.cooldownUntilMs(candidate) > nowMs || nowMs - candidate.oldestStartMs > latencyMs;
}
