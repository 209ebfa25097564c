// Whether an instance should be passed over right now, under any policy.

import type { Candidate } from '../domain.ts';
import type { Policy } from './policy.ts';

/** By the policy where it says so, else while it is ejected, or by a request older than τ. */
export function isLate(
  policy: Policy,
  candidate: Candidate,
  qos: { readonly latencyMs: number },
  nowMs: number,
): boolean {
  return policy.isLate?.(candidate, nowMs) ?? isMissing(policy, candidate, qos, nowMs);
}

/** Whether a request there is as good as lost, where some may be late. */
export function isHopeless(
  policy: Policy,
  candidate: Candidate,
  qos: { readonly latencyMs: number },
  nowMs: number,
): boolean {
  return policy.isHopeless?.(candidate, nowMs) ?? isMissing(policy, candidate, qos, nowMs);
}

function isMissing(
  policy: Policy,
  candidate: Candidate,
  { latencyMs }: { readonly latencyMs: number },
  nowMs: number,
): boolean {
  return policy.cooldownUntilMs(candidate) > nowMs || nowMs - candidate.oldestStartMs > latencyMs;
}
