// Whether an instance should be passed over right now, under any policy.

import type { Candidate } from '../domain.ts';
import type { Policy } from './policy.ts';

/** How long is too long. */
export interface Lateness {
  /** τ. */
  readonly latencyMs: number;
  /** A late answer may be risked, as far as the guidance of the policy has patience. */
  readonly isPatient?: boolean;
}

/** Whether an instance is late: by the policy where it says so, else while ejected or with a request older than τ. */
export function isLate(
  policy: Policy,
  candidate: Candidate,
  { latencyMs, isPatient = false }: Lateness,
  nowMs: number,
): boolean {
  if (policy.isLate !== undefined) return policy.isLate(candidate, nowMs, isPatient);
  return policy.cooldownUntilMs(candidate) > nowMs || nowMs - candidate.oldestStartMs > latencyMs;
}
