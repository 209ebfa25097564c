// An instance as it is reported: the policy's view of it, and what the router knows besides.

import { type CandidateView, viewWithoutShare } from '../../policies/policy.ts';
import type { InstanceState } from '../../service-router.ts';
import type { LiveCandidate } from '../live-candidate.ts';

interface Known {
  readonly view: CandidateView;
  /** Attempts started there of late. */
  readonly requestsPerSecond: number;
  /** Requests of this event loop in flight there. */
  readonly inFlight: number;
  readonly serves: InstanceState['serves'];
}

/** The view of an instance that the policy is not offered. */
export function barredView({ lacks }: LiveCandidate): CandidateView {
  return viewWithoutShare(`barred by security: it lacks ${lacks.join(', ')}`);
}

export function instanceStateOf(
  candidate: LiveCandidate,
  { view, requestsPerSecond, inFlight, serves }: Known,
  nowMs: number,
): InstanceState {
  const cooldownMs = candidate.ejectedUntilMs - nowMs;
  return {
    ...view,
    ...(cooldownMs > 0 ? { pool: 'out', cooldownMs, note: 'it asked for a pause (Retry-After)' } : {}),
    processingMs: processingMsOf(candidate, view),
    key: candidate.key,
    instance: candidate.instance,
    local: candidate.local,
    availability: candidate.placed,
    rttMs: candidate.rttMs,
    rttKnown: candidate.rttKnown,
    inFlight: inFlight + candidate.streams,
    requestsPerSecond,
    requests: candidate.requests,
    failures: candidate.failures,
    answeredAgeMs: Number.isFinite(candidate.answeredMs) ? Math.max(0, nowMs - candidate.answeredMs) : null,
    failing: candidate.results?.failing ?? false,
    reasons: candidate.results?.reasons ?? [],
    results: candidate.results?.counts ?? {},
    serves,
    lacks: candidate.lacks,
  };
}

/** Null as well where an instance only ever failed: a policy may charge it for that, and none of it was measured. */
function processingMsOf(
  { requests, failures }: LiveCandidate,
  { processingMs, samples }: CandidateView,
): number | null {
  if (processingMs === null || (samples > 0 && requests > 0 && failures === requests)) return null;
  // A round trip that was measured longer than this answer took is no reason to say that it took less than nothing.
  return Math.max(0, processingMs);
}
