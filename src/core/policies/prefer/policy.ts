// `prefer`: one policy for each group of instances, and a walk through the groups. A request stays with the first group that
// can take it: the group's policy picks, and the pick is not late. What a group cannot carry goes to the next (the fast
// loop); where that does not do for the service's goal, a group keeps a smaller share of what reaches it (the slow loop).
// No threshold is set by hand: the goal is the only one.

import type { Candidate, Preference, RequestInfo } from '../../domain.ts';
import { emptyGroup, GroupedPolicy, type PolicyGroup } from '../grouped-policy.ts';
import type { CandidateView, GroupView, Policy, PolicyContext, PolicySummary } from '../policy.ts';
import { CarriedShare } from './carried-share.ts';
import { groupOf, nameOfGroup } from './groups.ts';

/** Step of the slow loop, ms. */
const STEP_MS = 1000;
/** So many requests, faded, are enough to judge by. */
const REQUESTS_MIN = 10;
/** A group with less than this share of the requests is in reserve. */
const RESERVE_SHARE_MAX = 0.001;

interface Group extends PolicyGroup {
  readonly carried: CarriedShare;
}

/** A policy of its own for each group of instances; a less preferred group gets what those before it cannot carry. */
export class PreferPolicy extends GroupedPolicy<Group> {
  readonly name: string;
  readonly stepMs: number;
  /** What no group has room for is refused, where the policy within the groups refuses. */
  readonly sheds: boolean;
  readonly preview?: NonNullable<Policy['preview']>;
  readonly #preferences: readonly Preference[];
  protected readonly groups: readonly Group[];
  #groupTickMs = Number.NEGATIVE_INFINITY;
  #stepMs = Number.NEGATIVE_INFINITY;

  /** `make`: the policy within a group, one each. */
  constructor(preferences: readonly Preference[], context: PolicyContext, make: () => Policy) {
    super(context);
    this.#preferences = preferences;
    this.groups = [...preferences, undefined].map((preference) => ({
      ...emptyGroup(nameOfGroup(preference), make()),
      carried: new CarriedShare(context.qos.successRatio),
    }));
    const { policy } = this.#last;
    this.name = policy.name;
    this.stepMs = Math.min(STEP_MS, policy.stepMs);
    this.sheds = policy.sheds === true;
    if (policy.preview !== undefined)
      this.preview = (request, candidates, nowMs) => this.#preview(request, candidates, nowMs);
  }

  // ---- fast loop ----

  select(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    const retry = request.tried.length > 0;
    const narrowed = this.narrow(request, candidates);
    let late: Candidate | null = null;
    let left = this.#filled(narrowed);
    for (const group of this.groups) {
      const offered = narrowed ? group.offered : group.up;
      if (offered.length === 0) continue;
      // The last one takes what is left.
      if (--left > 0 && !retry) {
        const takes = group.carried.takes;
        group.carried.count();
        if (!takes) continue;
      }
      const picked = group.policy.select(request, offered, nowMs);
      if (picked === null) continue;
      if (!this.isLateIn(group, picked, nowMs)) return picked;
      late ??= picked;
    }
    return late;
  }

  refused(): void {
    for (const { policy } of this.groups) policy.refused?.();
  }

  // ---- the set of candidates ----

  update(candidates: readonly Candidate[], nowMs: number): void {
    const members = this.groups.map((): Candidate[] => []);
    for (const candidate of candidates) {
      const index = groupOf(candidate, this.#preferences);
      this.groupOf[candidate.handle] = this.groups[index] ?? this.#last;
      members[index]?.push(candidate);
    }
    this.upCount = 0;
    this.groups.forEach((group, index) => {
      const mine = members[index] ?? [];
      group.up = mine.filter(({ isActive }) => isActive);
      this.upCount += group.up.length;
      group.policy.update(mine, nowMs);
    });
  }

  // ---- slow loop ----

  tick(nowMs: number): void {
    if (nowMs >= this.#groupTickMs) {
      for (const { policy } of this.groups) policy.tick(nowMs);
      // Half a step of patience: timers are early or late by a little.
      this.#groupTickMs = nowMs + this.#last.policy.stepMs - this.stepMs / 2;
    }
    if (nowMs < this.#stepMs) return;
    this.#stepMs = nowMs + STEP_MS - this.stepMs / 2;
    this.#steer();
    this.fade();
  }

  /** Moves the one share that helps: the worst group's down while the goal is missed, else the most preferred one's up. */
  #steer(): void {
    const requests = this.#sum((group) => group.requests);
    if (requests < REQUESTS_MIN) return;
    const successRatio = this.#sum((group) => group.successes) / requests;
    if (successRatio >= this.#last.carried.goal) {
      this.groups.find(({ carried, up }) => carried.share < 1 && up.length > 0)?.carried.raise(successRatio);
      return;
    }
    const lowered = this.groups
      .filter((group) => group.requests > 0 && this.#hasBetter(group))
      .sort((a, b) => b.requests - b.successes - (a.requests - a.successes))[0];
    lowered?.carried.lower(successRatio);
  }

  /** Whether a less preferred group fares better, or was not asked lately. */
  #hasBetter(group: Group): boolean {
    const mine = group.successes / group.requests;
    return this.groups
      .slice(this.groups.indexOf(group) + 1)
      .some(({ up, requests, successes }) => up.length > 0 && (requests < 1 || successes / requests > mine));
  }

  // ---- for the fallback and for people ----

  view(candidate: Candidate, nowMs: number): CandidateView {
    const group = this.groupOf[candidate.handle] ?? this.#last;
    const view = group.policy.view(candidate, nowMs);
    const share = this.#shareOf(group);
    const weight = view.weight * share;
    if (share >= RESERVE_SHARE_MAX || view.pool === 'out') return { ...view, weight };
    return { ...view, weight, pool: 'out', note: `in reserve: a preferred group carries the requests` };
  }

  summary(nowMs: number): PolicySummary {
    const summaries = this.groups.map((group) => ({ group, ...group.policy.summary(nowMs) }));
    const explored = summaries.filter(({ explorationShare }) => explorationShare !== null);
    return {
      explorationShare:
        explored.length === 0
          ? null
          : explored.reduce(
              (sum, { group, explorationShare }) => sum + this.#shareOf(group) * (explorationShare ?? 0),
              0,
            ),
      panic: summaries.some(({ group, panic }) => panic && group.up.length > 0),
      groups: this.groups.map((group) => this.#viewOfGroup(group)),
    };
  }

  snapshot(nowMs: number): unknown {
    return Object.fromEntries(
      this.groups.map(({ name, carried, policy }) => [name, { share: carried.share, policy: policy.snapshot(nowMs) }]),
    );
  }

  restore(snapshot: unknown, ageMs: number, nowMs: number): void {
    const groups: Readonly<Record<string, unknown>> = Object(snapshot);
    for (const { name, carried, policy } of this.groups) {
      const { share, policy: learned }: { readonly share?: unknown; readonly policy?: unknown } = Object(groups[name]);
      if (typeof share === 'number' && share >= 0 && share <= 1) carried.set(share);
      if (learned !== undefined) policy.restore(learned, ageMs, nowMs);
    }
  }

  reset(nowMs: number): void {
    for (const group of this.groups) {
      group.policy.reset(nowMs);
      group.carried.set(1);
      group.requests = 0;
      group.successes = 0;
    }
  }

  get #last(): Group {
    const last = this.groups.at(-1);
    if (last === undefined) throw new Error('assertion failed: there is always the group of the others');
    return last;
  }

  /** Groups that have an instance to offer. */
  #filled(narrowed: boolean): number {
    let filled = 0;
    for (const { up, offered } of this.groups) if ((narrowed ? offered : up).length > 0) filled++;
    return filled;
  }

  #preview(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    const filled = this.groups
      .map((group) => ({ group, offered: group.up.filter((one) => candidates.includes(one)) }))
      .filter(({ offered }) => offered.length > 0);
    let late: Candidate | null = null;
    for (const [index, { group, offered }] of filled.entries()) {
      if (index < filled.length - 1 && !group.carried.takes) continue;
      const picked = group.policy.preview?.(request, offered, nowMs) ?? null;
      if (picked === null) continue;
      if (!this.isLateIn(group, picked, nowMs)) return picked;
      late ??= picked;
    }
    return late;
  }

  /** Share of the requests that go to the group: as seen, or as meant where little was seen. */
  #shareOf(group: Group): number {
    const requests = this.#sum((one) => one.requests);
    if (requests >= REQUESTS_MIN) return group.requests / requests;
    const filled = this.groups.filter(({ up }) => up.length > 0);
    let rest = 1;
    for (const one of filled) {
      const share = one === filled.at(-1) ? rest : rest * one.carried.share;
      if (one === group) return share;
      rest -= share;
    }
    return 0;
  }

  #viewOfGroup(group: Group): GroupView {
    const { name, up, requests, successes } = group;
    return {
      name,
      instances: up.length,
      share: this.#shareOf(group),
      successRatio: requests < 1 ? null : successes / requests,
    };
  }

  #sum(value: (group: Group) => number): number {
    let sum = 0;
    for (const group of this.groups) sum += value(group);
    return sum;
  }
}
