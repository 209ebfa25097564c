// Panic: more than half of the instances are out at once. Then the fault is likelier ours (or the network's) than theirs,
// and spreading over all that are not known dead beats crowding the few that are left. Sound for 1, 2 and 3 instances:
// one of one, two of two and two of three are more than half; one of two is not.

import type { Candidate } from '../domain.ts';

export interface Outage {
  isOut(handle: number, nowMs: number): boolean;
}

/** Whether more than half of the candidates are out. False for none. */
export function isPanic(candidates: readonly Candidate[], outage: Outage, nowMs: number): boolean {
  let out = 0;
  for (let i = 0; i < candidates.length; i++) if (outage.isOut((candidates[i] as Candidate).handle, nowMs)) out++;
  return out * 2 > candidates.length;
}
