// Policies that keep one policy for each group of instances: everything but the choice of the group goes to the policy of the group.

import type { Candidate, Outcome, RequestInfo } from '../domain.ts';
import { isLate } from './lateness.ts';
import type { CandidateView, Policy, PolicyContext, PolicySummary } from './policy.ts';

/** A group of instances and its policy. */
export interface PolicyGroup {
  readonly name: string;
  readonly policy: Policy;
  /** Active instances of the group. */
  up: readonly Candidate[];
  /** Instances of the group that the request at hand is offered, where those are not all. */
  readonly offered: Candidate[];
  /** Ended lately and succeeded among them, fading. */
  requests: number;
  successes: number;
}

/** What was seen before counts for this much less with each step. */
const FADE = 0.6;

/** A group without anything in it. */
export function emptyGroup(name: string, policy: Policy): PolicyGroup {
  return { name, policy, up: [], offered: [], requests: 0, successes: 0 };
}

/** A policy over groups; a subclass forms them, and chooses among them. */
export abstract class GroupedPolicy<Group extends PolicyGroup> implements Policy {
  abstract readonly name: string;
  abstract readonly stepMs: number;
  protected readonly context: PolicyContext;
  /** The group of each candidate, indexed by handle; undefined for a free handle. */
  protected readonly groupOf: (Group | undefined)[] = [];
  /** The active instances of all groups. */
  protected upCount = 0;

  constructor(context: PolicyContext) {
    this.context = context;
  }

  /** All that have or had an instance, in their order. */
  protected abstract readonly groups: readonly Group[];

  abstract select(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null;
  abstract update(candidates: readonly Candidate[], nowMs: number): void;
  abstract tick(nowMs: number): void;
  abstract view(candidate: Candidate, nowMs: number): CandidateView;
  abstract summary(nowMs: number): PolicySummary;
  abstract snapshot(nowMs: number): unknown;
  abstract restore(snapshot: unknown, ageMs: number, nowMs: number): void;
  abstract reset(nowMs: number): void;

  observe(outcome: Outcome, nowMs: number): void {
    const group = this.groupOf[outcome.candidate.handle];
    if (group === undefined) return;
    group.policy.observe(outcome, nowMs);
    if (outcome.kind === 'start') return;
    if (outcome.result === 'aborted' && outcome.latencyMs <= this.context.qos.latencyMs) return;
    group.requests++;
    if (outcome.success) group.successes++;
  }

  isLate(candidate: Candidate, nowMs: number, isPatient: boolean): boolean {
    const group = this.groupOf[candidate.handle];
    if (group === undefined) return true;
    return isLate(group.policy, candidate, { latencyMs: this.context.qos.latencyMs, isPatient }, nowMs);
  }

  isTrusted(candidate: Candidate, nowMs: number): boolean {
    return this.groupOf[candidate.handle]?.policy.isTrusted?.(candidate, nowMs) ?? true;
  }

  cooldownUntilMs(candidate: Candidate): number {
    return this.groupOf[candidate.handle]?.policy.cooldownUntilMs(candidate) ?? Number.NEGATIVE_INFINITY;
  }

  successEstimate(candidate: Candidate): number {
    return this.groupOf[candidate.handle]?.policy.successEstimate(candidate) ?? Number.NaN;
  }

  density(candidate: Candidate, gridMs: readonly number[], nowMs: number): number[] | null {
    return this.groupOf[candidate.handle]?.policy.density(candidate, gridMs, nowMs) ?? null;
  }

  protected isLateIn({ policy }: Group, candidate: Candidate, nowMs: number): boolean {
    return isLate(policy, candidate, this.context.qos, nowMs);
  }

  /** Whether some are not to be picked: others were tried, or the quotas of the client leave these alone. Then `offered` is what may be. */
  protected narrow({ tried }: RequestInfo, candidates: readonly Candidate[]): boolean {
    if (tried.length === 0 && candidates.length >= this.upCount) return false;
    for (const { offered } of this.groups) offered.length = 0;
    for (const candidate of candidates) this.groupOf[candidate.handle]?.offered.push(candidate);
    return true;
  }

  /** Once a second. */
  protected fade(): void {
    for (const group of this.groups) {
      group.requests *= FADE;
      group.successes *= FADE;
    }
  }
}
