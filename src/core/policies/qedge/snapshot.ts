// What `qedge` keeps over a restart, as plain JSON with ages: windows, weights, credits, miss streaks and q20.

import type { Candidate } from '../../domain.ts';
import { restoreWindow, snapshotWindow } from '../../qos/window-snapshot.ts';
import { numberOf, recordOf, tenths } from '../../snapshot-shape.ts';
import type { Qedge } from '../qedge.ts';

const VERSION = 1;

export function snapshotQedge(policy: Qedge, nowMs: number): unknown {
  const instances: Record<string, unknown> = {};
  for (const candidate of policy.known) {
    const window = candidate && policy.windows[candidate.handle];
    if (candidate === undefined || window === undefined) continue;
    const { handle, key } = candidate;
    const misses = policy.streaks.misses(handle);
    instances[key] = {
      weight: policy.weights[handle],
      credit: policy.swrr.credit(handle),
      ...(misses > 0 ? { misses, missAgeMs: Math.round(nowMs - policy.streaks.lastMs(handle)) } : {}),
      samples: snapshotWindow(window, nowMs),
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
  if (version !== VERSION) return policy.members;
  const byKey = recordOf(instances);
  policy.unloaded.restore(numberOf(unloadedMs, { min: 0, max: 1e6, otherwise: policy.unloaded.ms }));
  const members: Candidate[] = [];
  let learned = false;
  for (const candidate of policy.known) {
    if (candidate === undefined) continue;
    if (!Object.hasOwn(byKey, candidate.key)) {
      if (policy.members.includes(candidate)) members.push(candidate);
      continue;
    }
    restoreInstance(policy, candidate.handle, recordOf(byKey[candidate.key]), time);
    learned = true;
    if ((policy.weights[candidate.handle] as number) > 0) members.push(candidate);
  }
  // Weights that were learned are not to be made anew from estimates when the next instance joins.
  if (learned) policy.cold = false;
  return members;
}

function restoreInstance(
  policy: Qedge,
  handle: number,
  saved: Readonly<Record<string, unknown>>,
  time: { readonly ageMs: number; readonly nowMs: number },
): void {
  const window = policy.windows[handle];
  if (window !== undefined) restoreWindow(window, saved.samples, time);
  policy.weights[handle] = numberOf(saved.weight, { min: 0, max: 1, otherwise: policy.weights[handle] as number });
  policy.swrr.setCredit(handle, numberOf(saved.credit, { min: -1e6, max: 1e6, otherwise: 0 }));
  const misses = numberOf(saved.misses, { min: 0, max: 1000, otherwise: 0 });
  const missAgeMs = numberOf(saved.missAgeMs, { min: 0, max: 1e12, otherwise: 1e12 });
  policy.streaks.restore(handle, { misses, lastMs: time.nowMs - time.ageMs - missAgeMs });
}
