// The contract between the service router and a routing policy. Small on purpose: a policy decides, the router keeps
// the books (candidates, what is in flight, the never-nothing fallback).

import type { Candidate, Outcome, QosTarget, RequestInfo } from '../domain.ts';
import type { Hearsay } from '../neighbours/hearsay.ts';
import type { Requirements } from '../requirements/requirements.ts';
import type { Rng } from '../rng.ts';

/** All that a policy must have. */
export interface RoutingPolicy {
  /** Name in the config, such as `round-robin`. */
  readonly name: string;

  /**
   * Picks where one attempt goes, or null when the policy wants no candidate (the router then falls back).
   * `candidates` are the active ones, less the ones this request already tried; never empty. Allocates nothing.
   */
  select(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null;

  /** A request not tried yet for which `select` wants no candidate is refused; absent or false: it is sent anyway. */
  readonly sheds?: boolean;

  /** What `select` just picked among these is not used: another pick for the same request follows. Allocates nothing. */
  giveBack?(picked: Candidate, candidates: readonly Candidate[]): void;

  /** A request was refused, since `select` wanted no candidate for it. Allocates nothing. */
  refused?(): void;

  /** Every attempt, at its start and at its end. Allocates nothing that grows with traffic. */
  observe(outcome: Outcome, nowMs: number): void;

  /** The set of candidates changed (joined, left, other availability), or the RTT of one stepped. All that live, any availability. */
  update(candidates: readonly Candidate[], nowMs: number): void;

  /** One decision step; called every `stepMs`. Work that grows with the window happens here. */
  tick(nowMs: number): void;

  /** What its weights give the instances that serve attribute share `k` by themselves; NaN, or absent: it has no weights to go by. */
  wantedShare?(k: number): number;

  /** Milliseconds between decision steps; +Infinity when the policy has none. */
  readonly stepMs: number;
}

/** What the router ranks its fallback by, and whether a session may stay where it is. Read on the request path: allocates nothing. */
export interface Rankable {
  /**
   * When the candidate's cooldown ends, on the driver's clock, or ended, as long as nothing has undone it; -Infinity when
   * there was none.
   */
  cooldownUntilMs(candidate: Candidate): number;

  /** P(ℓ ≤ τ) as of the last step, in [0, 1]; NaN when the policy does not estimate it. */
  successEstimate(candidate: Candidate): number;

  /**
   * Whether the candidate should be passed over now, overdue or full: where a request there may well be late, or, `isPatient`, as far as
   * the guidance has patience only where it is as good as lost. Absent: by its cooldown and its oldest request alone.
   */
  isLate?(candidate: Candidate, nowMs: number, isPatient: boolean): boolean;

  /** Whether the candidate is in the exploitation pool. Absent where the policy has no such notion: all are. */
  isTrusted?(candidate: Candidate, nowMs: number): boolean;
}

/** What people are shown: admin API, dashboard, `explain`. Cold path; reading never mutates. */
export interface Inspectable {
  /** What `select` would pick for a request not tried yet, changing nothing. Absent where the pick is left to chance. */
  preview?(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null;

  /** Estimated density of the processing latency (per ms) at each point of `gridMs`; null without samples. */
  density(candidate: Candidate, gridMs: readonly number[], nowMs: number): number[] | null;

  /** What the policy believes of one candidate. */
  view(candidate: Candidate, nowMs: number): CandidateView;

  /** What the policy believes of the service as a whole. */
  summary(nowMs: number): PolicySummary;
}

/** What survives a restart. */
export interface Persistent {
  /** What was learned, as plain JSON with ages relative to `nowMs`; null when there is nothing worth keeping. */
  snapshot(nowMs: number): unknown;

  /** Takes back a snapshot of its own making that is `ageMs` old; ignores what does not fit (instances gone, other shape). */
  restore(snapshot: unknown, ageMs: number, nowMs: number): void;

  /** Forgets everything learned. */
  reset(nowMs: number): void;
}

/** A policy as the router drives it; `BasePolicy` has a neutral answer to all but `select`. */
export interface Policy extends RoutingPolicy, Rankable, Inspectable, Persistent {}

/** Trusted, tried out, or without a share: ejected, not needed, or not to be used. */
export type PoolMembership = 'exploitation' | 'exploration' | 'out';

/** What a policy believes of one candidate. */
export interface CandidateView {
  readonly pool: PoolMembership;
  /** Share of requests it is meant to get, in [0, 1]; the weights of all candidates sum to 1. */
  readonly weight: number;
  /** P(ℓ ≤ τ) in [0, 1]; null for policies that do not estimate it or have no samples. */
  readonly successProbability: number | null;
  /** Mean processing latency, ms; null when unknown. */
  readonly processingMs: number | null;
  /** Samples behind the estimate. */
  readonly samples: number;
  /** Milliseconds until its cooldown ends; 0 when it is in none. */
  readonly cooldownMs: number;
  /** One short reason for people, such as `ejected after 3 misses in a row`; empty when there is nothing to say. */
  readonly note: string;
  /** Further numbers of the policy's own, by name (price, pressure…). */
  readonly extra: Readonly<Record<string, number>>;
}

/** The view of a candidate that has no share and of which nothing is known; `note` says why. */
export function viewWithoutShare(note: string): CandidateView {
  return {
    pool: 'out',
    weight: 0,
    successProbability: null,
    processingMs: null,
    samples: 0,
    cooldownMs: 0,
    note,
    extra: {},
  };
}

/** What a policy believes of its service. */
export interface PolicySummary {
  /** ε, or the exploration pool's share of the weights; null where the policy has no such notion. */
  readonly explorationShare: number | null;
  /** More than half of the instances are ejected: the policy spreads over all that are not known dead. */
  readonly panic: boolean;
  /** Where the service prefers some instances: its groups, the most preferred first. */
  readonly groups?: readonly GroupView[];
}

/** A group of preferred instances. */
export interface GroupView {
  readonly name: string;
  /** Active ones. */
  readonly instances: number;
  /** Its share of the requests, in [0, 1]. */
  readonly share: number;
  /** Success of its requests lately; null when it had none. */
  readonly successRatio: number | null;
}

/** No row: end of a chain, or an attempt that the full table could not take in. */
export const NO_FLIGHT = -1;

/** What a policy may read of the attempts in flight. Tickets come oldest first. */
export interface FlightView {
  /** Attempts in flight at the instance. */
  count(handle: number): number;
  /** The oldest attempt at the instance; `NO_FLIGHT` when none is. */
  oldest(handle: number): number;
  /** The next younger attempt at the same instance; `NO_FLIGHT` after the youngest. */
  next(ticket: number): number;
  startMs(ticket: number): number;
}

/** Requests come in groups of unlike difficulty, such as frames by the number of objects they show. */
export interface RequestGroups {
  /** Group of the client's next request, as its last answer had it; 0 where nothing is known. */
  of(clientId: string): number;
}

/** What a policy is to steer for beside the latency goal; the router's books, to read. */
export interface Guidance {
  readonly asked: Requirements;
  /** What each of the attribute shares is held to now. */
  readonly heldShares: Float64Array;
  /** Whether the instance serves attribute share `k`. */
  serves(handle: number, k: number): boolean;
  /** Share of the attempts at the instance that did not fail; NaN where nothing is known. */
  readonly reliability: { of(handle: number): number };
  /** What a failure is worth beside a miss of the latency goal. */
  readonly failurePrice: number;
  /** What a latency of twice the mean that is asked for is worth. */
  readonly meanLatencyPrice: number;
  /** What the objective may spend, 0 to 1. */
  readonly slack: number;
  /** How little a long queue is a reason to go past a quota: 0 where success is short, 1 where it is ample. */
  readonly patience: number;
  /** What a request costs there, in the unit of the objective; NaN where it is not known. */
  expense(handle: number): number;
}

/** What every policy is made from. */
export interface PolicyContext {
  readonly qos: QosTarget;
  /** The latency limit is a stage's part of a chain's goal: what is late by it may still be in time as a whole. */
  readonly isPart?: boolean;
  readonly rng: Rng;
  /** Instances a service may have at the most; handles are below it, and dense from 0. */
  readonly instancesMax: number;
  /** What is in flight where; the router's books, to read. */
  readonly flights: FlightView;
  /** Which group each client's requests belong to. */
  readonly groups: RequestGroups;
  /** Null: nothing but the latency goal. */
  readonly guidance: Guidance | null;
  /** What load balancers near by say of the instances; null: nothing. */
  readonly hearsay: Hearsay | null;
  /** Reports what the policy did for the event log (ejections, resets, panics). Cold path. */
  readonly onEvent: (event: PolicyEvent) => void;
}

/** What a policy did, for the event log. */
export type PolicyEvent =
  | { readonly kind: 'ejected'; readonly key: string; readonly untilMs: number; readonly reason: string }
  | { readonly kind: 'exploration-reset'; readonly successRatio: number }
  | { readonly kind: 'panic'; readonly on: boolean };
