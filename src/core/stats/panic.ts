// Panic: more than half of the instances are ejected at once. Then the fault is likelier ours (or the network's) than theirs,
// and spreading over all that are not known dead beats crowding the few that are left. Sound for 1, 2 and 3 instances:
// one of one, two of two and two of three are more than half; one of two is not.

import type { Candidate } from '../domain.ts';

/** Knows which instances are ejected. */
export interface Ejections {
  isEjected(handle: number, nowMs: number): boolean;
}

/** Whether more than half of the candidates are ejected. False for none. */
export function isPanic(candidates: readonly Candidate[], ejections: Ejections, nowMs: number): boolean {
  let ejected = 0;
  for (let i = 0; i < candidates.length; i++)
    if (ejections.isEjected((candidates[i] as Candidate).handle, nowMs)) ejected++;
  return ejected * 2 > candidates.length;
}
