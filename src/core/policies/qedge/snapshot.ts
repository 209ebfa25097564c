// What `qedge` keeps over a restart, as plain JSON with ages: windows, weights, credits, turns, paces, miss streaks and q20.

import type { Candidate } from '../../domain.ts';
import { numberOf, recordOf, tenths } from '../../snapshot-shape.ts';
import type { LatencyWindow } from '../../stats/latency-window.ts';
import { restoreWindow, snapshotWindow } from '../../stats/window-snapshot.ts';
import type { CandidateDiff } from '../candidate-diff.ts';
import type { ActiveSet } from './active-set.ts';
import type { Choice } from './choice.ts';
import type { MissStreak } from './miss-streak.ts';
import type { Pace } from './pace.ts';
import { OWED_MAX } from './turns.ts';
import type { UnloadedLatency } from './unloaded-latency.ts';

const VERSION = 1;

/** The parts of the policy that are kept. */
export interface Kept {
  readonly candidateDiff: CandidateDiff;
  readonly activeSet: ActiveSet;
  readonly streaks: MissStreak;
  readonly unloaded: UnloadedLatency;
  readonly pace: Pace;
  readonly choice: Choice;
  /** Indexed by handle; undefined where no window was made. */
  readonly windows: readonly (LatencyWindow | undefined)[];
  /** Returns the window of the handle, made when there is none yet. */
  windowOf(handle: number): LatencyWindow;
}

export function snapshotQedge(policy: Kept, nowMs: number): unknown {
  const instances: Record<string, unknown> = {};
  for (const { handle, key } of policy.candidateDiff) {
    const window = policy.windows[handle];
    const weight = policy.activeSet.weights[handle] as number;
    // The instance was never active, or not for long: nothing was learned of it.
    if (weight === 0 && (window === undefined || window.size === 0)) continue;
    const misses = policy.streaks.misses(handle);
    instances[key] = {
      weight,
      credit: policy.choice.swrr.credit(handle),
      owed: policy.choice.turns.owed(handle),
      pace: policy.pace.snapshot(handle, nowMs),
      ...(misses > 0 ? { misses, missAgeMs: Math.round(nowMs - policy.streaks.lastMs(handle)) } : {}),
      samples: window === undefined ? [] : snapshotWindow(window, nowMs),
    };
  }
  return { version: VERSION, unloadedMs: tenths(policy.unloaded.ms), instances };
}

/** Puts back what fits; returns those that have a weight again, in no particular order. */
export function restoreQedge(
  policy: Kept,
  snapshot: unknown,
  time: { readonly ageMs: number; readonly nowMs: number },
): readonly Candidate[] {
  const { version, unloadedMs, instances } = recordOf(snapshot);
  const { activeSet, unloaded, candidateDiff } = policy;
  if (version !== VERSION) return [];
  const byKey = recordOf(instances);
  unloaded.restore(numberOf(unloadedMs, { min: 0, max: 1e6, otherwise: unloaded.ms }));
  const restored: Candidate[] = [];
  for (const candidate of candidateDiff) {
    if (!Object.hasOwn(byKey, candidate.key)) continue;
    const saved = recordOf(byKey[candidate.key]);
    restoreInstance(policy, { handle: candidate.handle, saved }, time);
    const weight = numberOf(saved.weight, { min: 0, max: 1, otherwise: 0 });
    if (weight === 0 || !candidate.isActive) continue;
    activeSet.weights[candidate.handle] = weight;
    restored.push(candidate);
  }
  return restored;
}

function restoreInstance(
  policy: Kept,
  { handle, saved }: { readonly handle: number; readonly saved: Readonly<Record<string, unknown>> },
  time: { readonly ageMs: number; readonly nowMs: number },
): void {
  restoreWindow(policy.windowOf(handle), saved.samples, time);
  policy.choice.swrr.setCredit(handle, numberOf(saved.credit, { min: -1e6, max: 1e6, otherwise: 0 }));
  policy.choice.turns.restore(handle, numberOf(saved.owed, { min: -OWED_MAX, max: OWED_MAX, otherwise: 0 }));
  const pace = recordOf(saved.pace);
  const sumMs = numberOf(pace.sumMs, { min: 0, max: 1e12, otherwise: 0 });
  const places = numberOf(pace.places, { min: 0, max: 1e9, otherwise: 0 });
  const heardMs = numberOf(pace.ageMs, { min: 0, max: 1e12, otherwise: 1e12 });
  const squares = numberOf(pace.squares, { min: 0, max: 1e18, otherwise: places > 0 ? sumMs ** 2 / places : 0 });
  const count = numberOf(pace.count, { min: 0, max: 1e9, otherwise: 0 });
  // A snapshot without these two was made before they were kept: what an attempt takes has then shown no more with its queue.
  const crossed = numberOf(pace.crossed, { min: 0, max: 1e18, otherwise: count > 0 ? (sumMs * places) / count : 0 });
  const placesSquared = numberOf(pace.placesSquared, {
    min: 0,
    max: 1e18,
    otherwise: count > 0 ? places ** 2 / count : 0,
  });
  const sums = { sumMs, places, squares, count, crossed, placesSquared };
  policy.pace.restore(handle, { ...sums, ageMs: time.ageMs + heardMs }, time.nowMs);
  const misses = numberOf(saved.misses, { min: 0, max: 1000, otherwise: 0 });
  const missAgeMs = numberOf(saved.missAgeMs, { min: 0, max: 1e12, otherwise: 1e12 });
  policy.streaks.restore(handle, { misses, lastMs: time.nowMs - time.ageMs - missAgeMs });
}
