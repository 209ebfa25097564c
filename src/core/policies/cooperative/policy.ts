// `cooperative`: requests stay on the own node while it can take them; what exceeds its requests a minute goes to the neighbours, the
// nearest first, and what these cannot take to the cloud (cooperative load balancing with a service mesh: W_in = RPM_max / RPM). A
// policy of its own chooses within each of these groups. Deviation: where the pick is late at this moment, another group takes the
// request, since a minute is long for a queue.

import type { Candidate, RequestInfo } from '../../domain.ts';
import { capacityRpm } from '../../profile.ts';
import { recordOf } from '../../snapshot-shape.ts';
import { definePolicy } from '../definition.ts';
import { emptyGroup, GroupedPolicy, type PolicyGroup } from '../grouped-policy.ts';
import {
  type CandidateView,
  type Policy,
  type PolicyContext,
  type PolicySummary,
  viewWithoutShare,
} from '../policy.ts';
import { LearnedCapacity } from './capacity.ts';
import { type GroupName, groupsOf } from './groups.ts';
import { RequestsPerMinute } from './requests-per-minute.ts';
import { nextOf, type SpillGroup, split, take } from './spill.ts';

/** Policies that choose within a group; those that go by profiles compare instances of all groups. */
export const INNER = [
  'qedge',
  'qedgeproxy',
  'qedgeproxy-2024',
  'dec-sarsa',
  'proxy-mity',
  'p2c-ewma',
  'least-connections',
  'round-robin',
  'random',
] as const;

/** The policy as the registry lists it. */
export const COOPERATIVE = definePolicy({
  about: 'the own node up to its requests a minute, then neighbours by distance, then the cloud',
  picks: 'takes a group, and leaves the choice within it to another policy',
  options: {
    inner: { kind: 'choice', default: 'qedge', choices: INNER, about: 'policy that chooses within a group' },
    capacity: {
      kind: 'choice',
      default: 'announced',
      choices: ['announced', 'learned'],
      about: 'what a group takes: the sum of the capacity_rpm of its instances, or as its success shows',
    },
    capacity_rpm: {
      kind: 'number',
      default: 0,
      min: 0,
      max: 1e9,
      about: 'requests a minute of an instance whose profile has no capacity_rpm; 0: as many as come',
    },
    spill: { kind: 'boolean', default: true, study: true, about: 'false: an edge left alone, nothing goes elsewhere' },
  },
  create: (options, context, make) => new Cooperative(options, context, () => make(options.inner)),
});

interface CooperativeOptions {
  readonly capacity: string;
  readonly capacity_rpm: number;
  readonly spill: boolean;
}

const STEP_MS = 1000;
/** So few requests, faded, say nothing: the limit is felt for. */
const REQUESTS_MIN = 3;
/** A group has this share of what it announces to spare, no matter what neighbours say: one that is wrong must not close it. */
const HEADROOM_MIN = 0.05;
/** What is counted with fading, as a rate: of each second's requests 1 / (1 − fade) are there on average. */
const PER_MINUTE = 60 * 0.4;

interface Group extends PolicyGroup, SpillGroup {
  readonly learned: LearnedCapacity;
}

class Cooperative extends GroupedPolicy<Group> {
  readonly name = 'cooperative';
  readonly stepMs: number;
  readonly preview?: NonNullable<Policy['preview']>;
  readonly #options: CooperativeOptions;
  readonly #make: () => Policy;
  readonly #innerStepMs: number;
  readonly #rpm = new RequestsPerMinute();
  protected groups: readonly Group[] = [];
  /** Those with an active instance. */
  #filled: readonly Group[] = [];
  readonly #byName = new Map<GroupName, Group>();
  #innerTickMs = Number.NEGATIVE_INFINITY;
  #stepMs = Number.NEGATIVE_INFINITY;

  /** `make`: the policy within a group, one each. */
  constructor(options: CooperativeOptions, context: PolicyContext, make: () => Policy) {
    super(context);
    this.#options = options;
    this.#make = make;
    const { stepMs, preview } = make();
    this.#innerStepMs = stepMs;
    this.stepMs = Math.min(STEP_MS, stepMs);
    if (preview !== undefined) this.preview = (request, candidates, nowMs) => this.#preview(request, candidates, nowMs);
  }

  // ---- every request ----

  select(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    if (request.tried.length === 0) this.#rpm.record(nowMs);
    if (this.narrow(request, candidates)) return this.#selectOffered(request, nowMs);
    const chosen = nextOf(this.#filled);
    if (chosen === null) return null;
    take(this.#filled, chosen);
    const picked = chosen.policy.select(request, chosen.up, nowMs);
    if (picked !== null && !this.isLateIn(chosen, picked, nowMs)) return picked;
    return this.#pickElsewhere(chosen, request, nowMs) ?? picked;
  }

  #pickElsewhere(chosen: Group, request: RequestInfo, nowMs: number): Candidate | null {
    for (const group of this.#filled) {
      if (group === chosen) continue;
      const picked = group.policy.select(request, group.up, nowMs);
      if (picked !== null && !this.isLateIn(group, picked, nowMs)) return picked;
    }
    return null;
  }

  /** Where not all may be picked, the nearest that can. */
  #selectOffered(request: RequestInfo, nowMs: number): Candidate | null {
    let late: Candidate | null = null;
    for (const group of this.#filled) {
      const picked = group.offered.length === 0 ? null : group.policy.select(request, group.offered, nowMs);
      if (picked !== null && !this.isLateIn(group, picked, nowMs)) return picked;
      late ??= picked;
    }
    return late;
  }

  #preview(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    const chosen = nextOf(this.#filled);
    const order = chosen === null || candidates.length < this.upCount ? this.#filled : [chosen, ...this.#filled];
    let late: Candidate | null = null;
    for (const group of order) {
      const offered = group.up.filter((one) => candidates.includes(one));
      const picked = offered.length === 0 ? null : (group.policy.preview?.(request, offered, nowMs) ?? null);
      if (picked !== null && !this.isLateIn(group, picked, nowMs)) return picked;
      late ??= picked;
    }
    return late;
  }

  // ---- the set of candidates ----

  update(candidates: readonly Candidate[], nowMs: number): void {
    const wanted = groupsOf(candidates);
    for (const name of [...this.#byName.keys()]) if (!wanted.has(name)) this.#byName.delete(name);
    this.groupOf.length = 0;
    for (const [name, members] of wanted) {
      const group = this.#groupOf(name);
      for (const { handle } of members) this.groupOf[handle] = group;
      group.up = members.filter(({ isActive }) => isActive);
      group.policy.update(members, nowMs);
    }
    this.groups = [...wanted.keys()].map((name) => this.#groupOf(name));
    const filled = this.groups.filter(({ up }) => up.length > 0);
    this.upCount = filled.reduce((sum, { up }) => sum + up.length, 0);
    this.#filled = this.#options.spill ? filled : filled.slice(0, 1);
    this.#split(nowMs);
  }

  #groupOf(name: GroupName): Group {
    let group = this.#byName.get(name);
    if (group === undefined) {
      const base = emptyGroup(name.slice(name.indexOf(':') + 1), this.#make());
      group = { ...base, learned: new LearnedCapacity(), limitRpm: Number.POSITIVE_INFINITY, share: 0, credit: 0 };
      this.#byName.set(name, group);
    }
    return group;
  }

  // ---- every second ----

  tick(nowMs: number): void {
    if (nowMs >= this.#innerTickMs) {
      for (const { policy } of this.groups) policy.tick(nowMs);
      // Half a step of patience: timers are early or late by a little.
      this.#innerTickMs = nowMs + this.#innerStepMs - this.stepMs / 2;
    }
    if (nowMs < this.#stepMs) return;
    this.#stepMs = nowMs + STEP_MS - this.stepMs / 2;
    for (const { learned, requests, successes } of this.#filled) {
      const met = requests < REQUESTS_MIN || successes / requests >= this.context.qos.successRatio;
      learned.step(PER_MINUTE * requests, met);
    }
    this.#split(nowMs);
    this.fade();
  }

  /** What others send to the own node is seen there; what they send to another is what they say, and shows in its success. */
  #split(nowMs: number): void {
    for (const [i, group] of this.#filled.entries()) {
      const byNumber = this.#options.capacity === 'announced';
      const announcedRpm = byNumber ? this.#announcedRpm(group) : Number.POSITIVE_INFINITY;
      if (byNumber && i === 0) group.limitRpm = announcedRpm;
      else {
        const spareRpm = announcedRpm - this.#othersRpm(group, nowMs);
        group.limitRpm = Math.min(Math.max(HEADROOM_MIN * announcedRpm, spareRpm), group.learned.rpm);
      }
    }
    split(this.#filled, this.#rpm.at(nowMs));
  }

  #othersRpm({ up }: Group, nowMs: number): number {
    const { hearsay } = this.context;
    return hearsay === null ? 0 : up.reduce((sum, { handle }) => sum + 60 * hearsay.sentPerSecond(handle, nowMs), 0);
  }

  #announcedRpm({ up }: Group): number {
    return up.reduce((sum, { instance }) => {
      const rpm = capacityRpm(instance.profile) ?? this.#options.capacity_rpm;
      return sum + (rpm > 0 ? rpm : Number.POSITIVE_INFINITY);
    }, 0);
  }

  // ---- for people, and for the next start ----

  view(candidate: Candidate, nowMs: number): CandidateView {
    const group = this.groupOf[candidate.handle];
    if (group === undefined) return NOT_IN_PLAY;
    const view = group.policy.view(candidate, nowMs);
    const weight = view.weight * (this.#filled.includes(group) ? group.share : 0);
    if (weight > 0 || view.pool === 'out') return { ...view, weight };
    return { ...view, weight, pool: 'out', note: 'in reserve: nearer ones take the requests' };
  }

  summary(nowMs: number): PolicySummary {
    const summaries = this.#filled.map((group) => ({ group, ...group.policy.summary(nowMs) }));
    const explored = summaries.filter(({ explorationShare }) => explorationShare !== null);
    return {
      explorationShare:
        explored.length === 0
          ? null
          : explored.reduce((sum, { group, explorationShare }) => sum + group.share * (explorationShare ?? 0), 0),
      panic: summaries.some(({ panic }) => panic),
      groups: this.groups.map(({ name, up, share, requests, successes }) => ({
        name,
        instances: up.length,
        share: up.length === 0 ? 0 : share,
        successRatio: requests < 1 ? null : successes / requests,
      })),
    };
  }

  /** What is known of instances is kept for all groups as one: they may come back in another. */
  snapshot(nowMs: number): unknown {
    const kept = this.groups.map(({ name, learned, policy }) => ({ name, learned, saved: policy.snapshot(nowMs) }));
    return {
      version: 1,
      instances: Object.assign({}, ...kept.map(({ saved }) => recordOf(saved).instances)),
      groups: Object.fromEntries(
        kept.map(({ name, learned, saved }) => [
          name,
          {
            ...(Number.isFinite(learned.rpm) ? { rpm: Math.round(learned.rpm) } : {}),
            policy: withoutInstances(saved),
          },
        ]),
      ),
    };
  }

  restore(snapshot: unknown, ageMs: number, nowMs: number): void {
    const { version, instances, groups } = recordOf(snapshot);
    if (version !== 1) return;
    for (const { name, learned, policy } of this.groups) {
      const { rpm, policy: saved } = recordOf(recordOf(groups)[name]);
      if (typeof rpm === 'number' && rpm >= 1) learned.rpm = rpm;
      policy.restore({ ...recordOf(saved), instances: recordOf(instances) }, ageMs, nowMs);
    }
  }

  reset(nowMs: number): void {
    for (const group of this.groups) {
      group.policy.reset(nowMs);
      group.learned.rpm = Number.POSITIVE_INFINITY;
      group.requests = 0;
      group.successes = 0;
    }
  }
}

const NOT_IN_PLAY = viewWithoutShare('');

function withoutInstances(saved: unknown): unknown {
  const { instances: _, ...rest } = recordOf(saved);
  return rest;
}
