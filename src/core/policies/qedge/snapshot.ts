// What `qedge` keeps over a restart, as plain JSON with ages: windows, weights, credits, miss streaks and q20.

import type { Candidate } from '../../domain.ts';
import { restoreWindow, snapshotWindow } from '../../qos/window-snapshot.ts';
import { numberOf, recordOf, tenths } from '../../snapshot-shape.ts';
import type { Qedge } from '../qedge.ts';

const VERSION = 1;

export function snapshotQedge(policy: Qedge, nowMs: number): unknown {
  const instances: Record<string, unknown> = {};
  for (const { handle, key } of policy.roster) {
    const window = policy.windows[handle];
    const weight = policy.inPlay.weights[handle] as number;
    // Never in play, or not for long: nothing was learned of it.
    if (weight === 0 && (window === undefined || window.size === 0)) continue;
    const misses = policy.streaks.misses(handle);
    instances[key] = {
      weight,
      credit: policy.swrr.credit(handle),
      ...(misses > 0 ? { misses, missAgeMs: Math.round(nowMs - policy.streaks.lastMs(handle)) } : {}),
      samples: window === undefined ? [] : snapshotWindow(window, nowMs),
    };
  }
  return { version: VERSION, unloadedMs: tenths(policy.unloaded.ms), instances };
}

/** Puts back what fits; returns the members of then that are still known, in no particular order. */
export function restoreQedge(
  policy: Qedge,
  snapshot: unknown,
  time: { readonly ageMs: number; readonly nowMs: number },
): readonly Candidate[] {
  const { version, unloadedMs, instances } = recordOf(snapshot);
  const { inPlay, unloaded, roster } = policy;
  if (version !== VERSION) return inPlay.members;
  const byKey = recordOf(instances);
  unloaded.restore(numberOf(unloadedMs, { min: 0, max: 1e6, otherwise: unloaded.ms }));
  const members: Candidate[] = [];
  for (const candidate of roster) {
    if (!Object.hasOwn(byKey, candidate.key)) continue;
    restoreInstance(policy, candidate.handle, recordOf(byKey[candidate.key]), time);
    if ((inPlay.weights[candidate.handle] as number) > 0) members.push(candidate);
  }
  if (members.length === 0) return inPlay.members;
  // Weights that were learned are not to be made anew from estimates when the next instance joins.
  inPlay.cold = false;
  return members;
}

function restoreInstance(
  policy: Qedge,
  handle: number,
  saved: Readonly<Record<string, unknown>>,
  time: { readonly ageMs: number; readonly nowMs: number },
): void {
  const { weights } = policy.inPlay;
  restoreWindow(policy.windowOf(handle), saved.samples, time);
  weights[handle] = numberOf(saved.weight, { min: 0, max: 1, otherwise: weights[handle] as number });
  policy.swrr.setCredit(handle, numberOf(saved.credit, { min: -1e6, max: 1e6, otherwise: 0 }));
  const misses = numberOf(saved.misses, { min: 0, max: 1000, otherwise: 0 });
  const missAgeMs = numberOf(saved.missAgeMs, { min: 0, max: 1e12, otherwise: 1e12 });
  policy.streaks.restore(handle, { misses, lastMs: time.nowMs - time.ageMs - missAgeMs });
}
