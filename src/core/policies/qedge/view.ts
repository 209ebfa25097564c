// The default policy for people: which pool an instance is in, why it gets what it gets, and how its latencies are spread.

import type { Candidate, QosTarget } from '../../domain.ts';
import { latencyDensity } from '../../stats/kde.ts';
import type { LatencyWindow } from '../../stats/latency-window.ts';
import type { CandidateView, PolicySummary } from '../policy.ts';
import type { ActiveSet } from './active-set.ts';
import type { Moment, MomentParts } from './moment.ts';

/** The parts of the policy that are shown. */
export interface Shown extends MomentParts {
  readonly activeSet: ActiveSet;
  readonly moment: Moment;
  /** Indexed by handle; undefined where no window was made. */
  readonly windows: readonly (LatencyWindow | undefined)[];
}

/** The goal and the time that a view is made for. */
export interface ViewedAt {
  readonly qos: QosTarget;
  readonly nowMs: number;
}

/** The least pressure that a view mentions. What answers took is known, but not whether a queue is the reason. */
const PRESSURE_NOTED = 0.5;

/** Active candidates with P ≥ ρ that are not late are the exploitation pool, the other active ones the exploration pool. */
export function viewOf(policy: Shown, candidate: Candidate, { qos, nowMs }: ViewedAt): CandidateView {
  const { activeSet, estimates, streaks, unloaded, windows } = policy;
  const { handle } = candidate;
  const success = estimates.success[handle] as number;
  const processingMs = estimates.processingMs[handle] as number;
  const cooldownMs = Math.max(0, streaks.untilMs(handle) - nowMs);
  const trusted = success >= qos.successRatio && cooldownMs === 0 && !isOverdue(candidate, { qos, nowMs });
  return {
    pool: activeSet.members.includes(candidate) ? (trusted ? 'exploitation' : 'exploration') : 'out',
    weight: activeSet.weights[handle] as number,
    successProbability: Number.isNaN(success) ? null : success,
    processingMs: Number.isNaN(processingMs) ? null : processingMs,
    samples: windows[handle]?.sizeAt(nowMs) ?? 0,
    cooldownMs,
    note: noteOn(policy, candidate, { qos, nowMs }),
    extra: {
      pressure: estimates.pressure[handle] as number,
      cost: estimates.costs[handle] as number,
      misses: streaks.misses(handle),
      unloadedMs: unloaded.ms,
    },
  };
}

export function summaryOf(policy: Shown, at: ViewedAt): PolicySummary {
  const explored = policy.activeSet.members
    .map((member) => viewOf(policy, member, at))
    .filter(({ pool }) => pool === 'exploration');
  return { explorationShare: explored.reduce((sum, { weight }) => sum + weight, 0), panic: policy.moment.panic };
}

/** Returns the density of its processing latency at the points of a grid; null where it has no samples. */
export function densityOf(
  policy: Shown,
  handle: number,
  at: { readonly gridMs: readonly number[]; readonly nowMs: number },
): number[] | null {
  const window = policy.windows[handle];
  if (window === undefined) return null;
  const bandwidthMs = policy.estimates.bandwidthMs(window, at.nowMs);
  return latencyDensity(window, at.gridMs, { bandwidthMs, shiftMs: 0 });
}

function noteOn({ moment, estimates, streaks, windows }: Shown, candidate: Candidate, at: ViewedAt): string {
  const { handle } = candidate;
  const { qos, nowMs } = at;
  const success = estimates.success[handle] as number;
  if (!candidate.isActive) return candidate.availability;
  if (isOverdue(candidate, at)) return 'passed over: its oldest request is overdue';
  if (streaks.isLate(handle, nowMs)) return 'passed over after misses in a row';
  if (moment.isFull(candidate, nowMs)) return 'passed over: its queue is too long for the limit';
  if (Number.isNaN(success)) return 'judged by its round trip: no decision step yet';
  if ((windows[handle]?.sizeAt(nowMs) ?? 0) === 0) {
    const isHeardOf = !Number.isNaN(estimates.heardSuccess[handle]);
    return `judged by ${isHeardOf ? 'what neighbours saw' : 'its round trip'}: no samples`;
  }
  if (success < qos.successRatio) return 'below the target: explored';
  const isSlower = (estimates.pressure[handle] as number) >= PRESSURE_NOTED;
  return isSlower ? 'meets the target, but slower than at its best' : 'meets the target';
}

/** Whether its oldest request in flight is older than τ. */
function isOverdue({ oldestStartMs }: Candidate, { qos, nowMs }: ViewedAt): boolean {
  return nowMs - oldestStartMs > qos.latencyMs;
}
