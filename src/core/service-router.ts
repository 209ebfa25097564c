// The face of the core, one per service: the driver asks where a request goes and says how every try ended.
//
//   route → start → finish (→ route again for a retry …) → settle
//
// Time and randomness come in as arguments; the router does no I/O.

import type {
  Availability,
  Candidate,
  Instance,
  InstanceKey,
  PlacementUpdate,
  QosTarget,
  RequestInfo,
  TryResult,
} from './domain.ts';
import type { CandidateView, PolicyEvent, PolicySummary } from './policies/policy.ts';

/** A try in flight: an index into the router's table. Valid from `start` until `finish`. */
export type Ticket = number;

/** How the candidate was come by; anything but `policy` means that the policy had none to offer. */
export type RouteTier =
  | 'policy'
  /** Feasible, but sitting out; the one whose cooldown ends first. */
  | 'cooldown'
  /** Best success estimate, else the nearest, else any. */
  | 'fallback'
  /** Only suspect or draining instances are left. */
  | 'last-resort';

export interface ServiceRouter {
  readonly service: string;
  readonly qos: QosTarget;
  readonly policyName: string;

  /** Picks an instance for one try; null only when the service has no instance at all. Allocates nothing. */
  route(request: RequestInfo, nowMs: number): Candidate | null;

  /** A try is on its way to `candidate`. */
  start(candidate: Candidate, nowMs: number): Ticket;

  /**
   * A try ended. `latencyMs` is what is charged to the instance: it excludes the client's own slowness and may be less
   * than the wall time since `start`. Each ticket is finished exactly once.
   */
  finish(ticket: Ticket, result: TryResult, latencyMs: number, nowMs: number): void;

  /** A request as a whole ended, as its client saw it: the client's QoS account (eq. 6). */
  settle(clientId: string, success: boolean, nowMs: number): void;

  applyPlacement(update: PlacementUpdate, nowMs: number): void;

  /** ℓⁿ of a node, measured; a step of more than `changeRatio` is an environment change and re-evaluates the pool. */
  observeRtt(nodeId: string, rttMs: number, nowMs: number): void;

  /** Something about the environment changed (probe said so, node pressure): policies re-evaluate. */
  environmentChanged(nowMs: number): void;

  /** Runs every decision step that is due; call it when `nextTickMs` is reached. */
  tick(nowMs: number): void;
  /** When `tick` is due next; +Infinity when the policy has no steps. */
  readonly nextTickMs: number;

  /** Live instances, any availability. */
  readonly candidates: readonly Candidate[];

  /** A picture for people and programs. Cold path; reading never mutates. */
  state(nowMs: number): RouterState;

  /** What was learned, as plain JSON with ages relative to `nowMs`. */
  snapshot(nowMs: number): RouterSnapshot;
  /** Takes back what still fits from a snapshot that is `ageMs` old. Instances come from placement, never from here. */
  restore(snapshot: RouterSnapshot, ageMs: number, nowMs: number): void;
  /** Forgets what was learned; placement stays. */
  reset(nowMs: number): void;
}

export interface RouterState {
  readonly service: string;
  readonly policy: string;
  readonly qos: QosTarget;
  /** Success share of this load balancer's requests of the service over W; null before the first. */
  readonly successRatio: number | null;
  readonly requestsPerSecond: number;
  readonly inFlight: number;
  /** Share of clients whose own success over W is at least ρ; null without clients. */
  readonly clientsSatisfiedRatio: number | null;
  readonly summary: PolicySummary;
  readonly instances: readonly InstanceState[];
  /** Worst served first; bounded. */
  readonly clients: readonly ClientState[];
}

export interface InstanceState extends CandidateView {
  readonly key: InstanceKey;
  readonly instance: Instance;
  readonly local: boolean;
  readonly availability: Availability;
  readonly rttMs: number;
  readonly rttKnown: boolean;
  readonly inFlight: number;
  readonly requestsPerSecond: number;
  /** Of this load balancer's tries there, all time. */
  readonly requests: number;
  readonly failures: number;
}

export interface ClientState {
  readonly clientId: string;
  /** Requests within W. */
  readonly requests: number;
  readonly successRatio: number;
}

export interface RouterSnapshot {
  readonly version: 1;
  readonly service: string;
  /** Of the service definition and policy; a snapshot with another one is not used. */
  readonly fingerprint: string;
  readonly rtts: Readonly<Record<string, number>>;
  readonly policy: unknown;
  readonly clients: unknown;
}

/** Something that happened, for the event log: placement, trips, resets, environment. */
export type RouterEvent =
  | PolicyEvent
  | { readonly kind: 'instance-added' | 'instance-removed'; readonly key: InstanceKey }
  | { readonly kind: 'instance-availability'; readonly key: InstanceKey; readonly availability: Availability }
  | { readonly kind: 'rtt-step'; readonly nodeId: string; readonly fromMs: number; readonly toMs: number };
