// What the policies without a QoS pool have in common: every instance that is up is in the pool, nothing is estimated, nothing
// needs a decision step. Each overrides what it does know.

import type { Candidate, Outcome, RequestInfo } from '../domain.ts';
import { recordOf } from '../snapshot-shape.ts';
import { CandidateDiff } from './candidate-diff.ts';
import type { CandidateView, Policy, PolicySummary } from './policy.ts';

/** A policy that estimates nothing: a subclass overrides `select`, and what it does know. */
export abstract class BasePolicy implements Policy {
  abstract readonly name: string;
  readonly stepMs: number = Number.POSITIVE_INFINITY;
  /** The active ones, as of the last update. */
  protected active: readonly Candidate[] = [];
  protected readonly candidateDiff = new CandidateDiff();

  abstract select(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null;

  observe(_outcome: Outcome, _nowMs: number): void {}

  update(candidates: readonly Candidate[], _nowMs: number): void {
    for (const candidate of this.candidateDiff.sync(candidates).joined) this.learnOf(candidate);
    this.active = candidates.filter((candidate) => candidate.isActive);
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

  view(candidate: Candidate, nowMs: number): CandidateView {
    const inPool = this.inPool(candidate, nowMs);
    const cooldownMs = this.cooldownUntilMs(candidate) - nowMs;
    return {
      pool: inPool ? 'exploitation' : 'out',
      weight: inPool ? this.shareOf(candidate, nowMs) : 0,
      successProbability: null,
      processingMs: null,
      samples: 0,
      cooldownMs: Math.max(0, cooldownMs),
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

  reset(_nowMs: number): void {
    for (const candidate of this.candidateDiff) this.learnOf(candidate);
  }

  /** What a snapshot `{ version: 1, instances }` holds of each candidate that it knows. */
  protected *savedIn(snapshot: unknown): Generator<readonly [Candidate, unknown]> {
    const { version, instances } = recordOf(snapshot);
    if (version !== 1) return;
    const byKey = recordOf(instances);
    for (const candidate of this.candidateDiff) {
      if (Object.hasOwn(byKey, candidate.key)) yield [candidate, byKey[candidate.key]];
    }
  }

  /** A candidate joined, under a handle that may have meant another one: begin its state again. */
  protected learnOf(_candidate: Candidate): void {}

  protected inPool(candidate: Candidate, _nowMs: number): boolean {
    return candidate.isActive;
  }

  /** Share of requests that a candidate of the pool is meant to get: the same for all unless a policy says otherwise. */
  protected shareOf(_candidate: Candidate, _nowMs: number): number {
    return 1 / this.active.length;
  }
}
