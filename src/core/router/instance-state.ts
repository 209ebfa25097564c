// An instance as it is reported: the policy's view of it, and what the router knows besides.

import type { CandidateView } from '../policies/policy.ts';
import type { InstanceState } from '../service-router.ts';
import type { LiveCandidate } from './live-candidate.ts';

/** `requestsPerSecond`: attempts started there of late. */
export function instanceStateOf(
  candidate: LiveCandidate,
  { view, requestsPerSecond }: { readonly view: CandidateView; readonly requestsPerSecond: number },
  nowMs: number,
): InstanceState {
  const restMs = candidate.restUntilMs - nowMs;
  return {
    ...view,
    ...(restMs > 0 ? { pool: 'out', cooldownMs: restMs, note: 'it asked for a pause (Retry-After)' } : {}),
    // A round trip that was measured longer than this answer took is no reason to say that it took less than nothing.
    processingMs: view.processingMs === null ? null : Math.max(0, view.processingMs),
    key: candidate.key,
    instance: candidate.instance,
    local: candidate.local,
    availability: candidate.placed,
    rttMs: candidate.rttMs,
    rttKnown: candidate.rttKnown,
    inFlight: candidate.inFlight + candidate.streams,
    requestsPerSecond,
    requests: candidate.requests,
    failures: candidate.failures,
    answeredAgeMs: Number.isFinite(candidate.answeredMs) ? Math.max(0, nowMs - candidate.answeredMs) : null,
    failing: candidate.results?.failing ?? false,
    reasons: candidate.results?.reasons ?? [],
    results: candidate.results?.counts ?? {},
  };
}
