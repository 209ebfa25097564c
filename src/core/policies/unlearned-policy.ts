// What the policies that learn nothing have in common: no steps, no estimates, nothing to keep; everybody who is up is in the pool.

import type { Candidate, Outcome, RequestInfo } from '../domain.ts';
import type { CandidateView, Policy, PolicySummary } from './policy.ts';

export abstract class UnlearnedPolicy implements Policy {
  abstract readonly name: string;
  readonly stepMs: number = Number.POSITIVE_INFINITY;
  /** Those with availability `up`, as of the last update. */
  protected up: readonly Candidate[] = [];

  abstract select(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null;

  observe(_outcome: Outcome, _nowMs: number): void {}

  update(candidates: readonly Candidate[], _nowMs: number): void {
    this.up = candidates.filter((candidate) => candidate.availability === 'up');
  }

  tick(_nowMs: number): void {}

  cooldownUntilMs(_candidate: Candidate): number {
    return Number.NEGATIVE_INFINITY;
  }

  successEstimate(_candidate: Candidate): number {
    return Number.NaN;
  }

  density(_candidate: Candidate, _gridMs: readonly number[], _nowMs: number): number[] | null {
    return null;
  }

  view(candidate: Candidate, _nowMs: number): CandidateView {
    const inPool = candidate.availability === 'up';
    return {
      pool: inPool ? 'exploitation' : 'out',
      weight: inPool ? this.weightOf(candidate) : 0,
      successProbability: null,
      processingMs: null,
      samples: 0,
      cooldownMs: 0,
      note: inPool ? '' : candidate.availability,
      extra: {},
    };
  }

  summary(_nowMs: number): PolicySummary {
    return { explorationShare: null, panic: false };
  }

  snapshot(_nowMs: number): unknown {
    return null;
  }

  restore(_snapshot: unknown, _ageMs: number, _nowMs: number): void {}

  reset(_nowMs: number): void {}

  /** Share of requests that a candidate which is up is meant to get: the same for all unless a policy says otherwise. */
  protected weightOf(_candidate: Candidate): number {
    return 1 / this.up.length;
  }
}
