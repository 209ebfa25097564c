// The face of the core, one per service: the driver asks where a request goes and says how every attempt ended.
//
//   route → start → finish (→ route again for a retry …) → recordRequest
//
// Time and randomness come in as arguments; the router does no I/O.

import type {
  AttemptResult,
  Availability,
  Candidate,
  ClientState,
  EndedRequest,
  Evidence,
  Instance,
  InstanceKey,
  PlacementUpdate,
  Preference,
  QosTarget,
  RequestInfo,
} from './domain.ts';
import type { Neighbours, NeighboursState, NeighbourUse } from './neighbours/neighbours.ts';
import type { CandidateView, GroupView, PolicyEvent, PolicySummary } from './policies/policy.ts';
import type { PolicyChoice } from './policies/registry.ts';
import type { RequirementLevel } from './requirements/level.ts';
import type { Requirements } from './requirements/requirements.ts';
import type { Rng } from './rng.ts';
import type { SharedFlights } from './router/shared-flights.ts';
import type { Reason, ReasonShare } from './verdict/reason.ts';
import type { VerdictRow } from './verdict/table.ts';

/** An attempt in flight: an index into the router's table. Valid from `start` until `finish`. */
export type Ticket = number;

/** What a router is made from. */
export interface ServiceRouterOptions {
  readonly service: string;
  readonly qos: QosTarget;
  /** A choice that `checkPolicy` found nothing wrong with. */
  readonly policy: PolicyChoice;
  /** What the service asks for beside the latency goal; absent: nothing. */
  readonly requirements?: Requirements;
  /** The node this load balancer stands on: its instances are local. */
  readonly localNodeId: string;
  readonly rng: Rng;
  readonly nowMs: number;
  /** Further instances are refused, with an event. Default 4,096. */
  readonly instancesMax?: number;
  /** Clients distinguished at a time. Default 4,096. */
  readonly clientsMax?: number;
  /** What other event loops of the process have in flight; absent or null: there is none. */
  readonly sharedFlights?: SharedFlights | null;
  /** An RTT that moves by more than this share (and 2 ms) is an environment change. Default 0.3. */
  readonly rttChangeRatio?: number;
  /** Groups of instances by preference, the most preferred first; absent: none is preferred. */
  readonly prefer?: readonly Preference[];
  /** Sessions stay at their instance until they are idle for so long; absent or null: requests are not tied together. */
  readonly sessionIdleMs?: number | null;
  /** What load balancers near by say of the instances; absent: summaries are neither sent nor used. */
  readonly neighbours?: NeighbourUse;
  /** Receives each event, for the event log. Cold path. */
  readonly onEvent?: (event: RouterEvent) => void;
}

/** How the candidate was come by; anything but `policy` means that the policy had none to offer. */
export type RouteTier =
  | 'policy'
  /** Feasible, but ejected; the one whose cooldown ends first. */
  | 'ejected'
  /** Best success estimate, else the nearest, else any. */
  | 'fallback'
  /** Only suspect or draining instances are left. */
  | 'last-resort'
  /** None: every instance lacks something that the service demands. */
  | 'barred'
  /** None: the policy refuses the request, because no instance would answer it in time. */
  | 'shed';

/** One service's router. Times are of the driver's clock, ms, and never go back. */
export interface ServiceRouter {
  readonly service: string;
  readonly qos: QosTarget;
  readonly policyName: string;

  /** Picks an instance for one attempt; null when the service has no instance at all, or by tier `shed` or `barred`. Allocates nothing. */
  route(request: RequestInfo, nowMs: number): Candidate | null;

  /** How the last `route` came by its candidate. */
  readonly lastTier: RouteTier;

  /** Where `route` would send a request not tried yet, changing nothing. Cold path. */
  preview(request: RequestInfo, nowMs: number): RoutePreview;

  /** An attempt is on its way to `candidate`, which is the instance of its session from now on. */
  start(candidate: Candidate, nowMs: number, session?: string, question?: number): Ticket;
  /** Whether it matters just now what a request asks. */
  readonly comparesQuestions: boolean;

  /**
   * An attempt ended. `latencyMs` is what is charged to the instance: it excludes the client's own slowness and may be less
   * than the wall time since `start`. Each ticket is finished exactly once. Returns what the attempt is taken for, beside
   * those at the other instances.
   */
  finish(ticket: Ticket, evidence: Evidence, latencyMs: number, nowMs: number): AttemptResult;

  /** An attempt that was finished as answered, after `latencyMs`, broke off since: the policy learns of a failure beside the success. */
  retractSuccess(candidate: Candidate, latencyMs: number, nowMs: number): void;

  /** An attempt that was finished as answered brought nothing. Returns whether, beside the others, that is the instance's own doing. */
  judgeHollow(candidate: Candidate, nowMs: number): boolean;

  /** A finished attempt at `candidate` goes on, as a stream does that was judged by its beginning, until `streamEnded`. */
  streamBegan(candidate: Candidate): void;

  /** Once for each `streamBegan`, with the same candidate, whether or not it is still there. */
  streamEnded(candidate: Candidate): void;

  /** The instance asks for a pause until then: it takes traffic only when no other does. */
  eject(candidate: Candidate, untilMs: number, nowMs: number): void;

  /** How an attempt at `candidate` ended, for people: the row of its verdict, and what of it is held against the instance. */
  recordVerdict(candidate: Candidate, row: VerdictRow, reason: Reason, nowMs: number): void;

  /** A request as a whole ended, as its client saw it: the client's QoS account (eq. 6). */
  recordRequest(request: EndedRequest, nowMs: number): void;

  /** The answer to the client's request belonged to this group of requests; its next one is taken for one of the same. */
  observeGroup(clientId: string, group: number): void;

  /** A request that was recorded as a success at `recordedMs` turned out to be none: it counts as a miss instead. */
  retractRequest(clientId: string, recordedMs: number, nowMs: number): void;

  /** Lets `tap` see every attempt from now on; null: none, and an attempt costs a comparison. */
  setTap(tap: RouterTap | null): void;

  applyPlacement(update: PlacementUpdate, nowMs: number): void;

  /** ℓⁿ of a node, measured; a step of more than `rttChangeRatio` is an environment change and re-evaluates the pool. */
  observeRtt(nodeId: string, rttMs: number, nowMs: number): void;

  /** Another `rttChangeRatio` from now on. */
  setRttChangeRatio(ratio: number): void;

  /** A request that is about to be routed has this much time, ms, as a stage of a chain: the policy comes to steer by that. */
  aim(latencyMs: number): void;

  /** Runs the decision step that is due, if one is; call it when `nextTickMs` is reached. Steps slept through are not made up for. */
  tick(nowMs: number): void;
  /** When `tick` is due next; +Infinity when the policy has no steps. */
  readonly nextTickMs: number;
  /** Attempts that were ever begun; whether one is in flight, or a stream goes on. */
  readonly requests: number;
  readonly isBusy: boolean;
  /** Lets `tick` come seconds late until the next `route` or `start`, which calls `onWake`. Each step left out is made at its own time. */
  rest(onWake: () => void): void;

  /** What is said to neighbours, and what they say; null: neither. */
  readonly neighbours: Pick<Neighbours, 'summarize' | 'hear'> | null;

  /** Live instances, any availability. */
  readonly candidates: readonly Candidate[];

  /** A picture for people and programs. Cold path; reading never mutates. */
  state(nowMs: number): RouterState;
  /** The same without the instances. */
  overview(nowMs: number): ServiceOverview;

  /** The instances alone, each put together when it is its turn: thousands take a while. One that leaves meanwhile is left out. */
  instances(nowMs: number): Iterable<InstanceState>;
  /** Estimated density of one instance's processing latency (per ms) on `gridMs`; null when unknown. Cold path. */
  density(key: InstanceKey, gridMs: readonly number[], nowMs: number): number[] | null;
  /** When an attempt was last answered there; -Infinity when none was. Cold path. */
  answeredMs(key: InstanceKey): number;

  /** What was learned, as plain JSON with ages relative to `nowMs`. */
  snapshot(nowMs: number): RouterSnapshot;
  /** Takes back what still fits from a snapshot that is `ageMs` old. Instances come from placement, never from here. */
  restore(snapshot: RouterSnapshot, ageMs: number, nowMs: number): void;
  /** Forgets what was learned; placement stays. */
  reset(nowMs: number): void;
}

/** Sees attempts as they start and end, to record them. */
export interface RouterTap {
  /** `weight`: the share of requests that the candidate is meant to get now. */
  started(ticket: Ticket, candidate: Candidate, weight: number, nowMs: number): void;
  finished(ticket: Ticket, result: AttemptResult, latencyMs: number): void;
  /** The router is gone, or another one is in its place: nothing more is seen. */
  ended(): void;
}

/** Where a request would go, nothing changed by asking. */
export interface RoutePreview {
  /** Null when there is no instance at all, or when it is left to chance. */
  readonly candidate: Candidate | null;
  readonly tier: RouteTier;
  /** The policy draws lots, or breaks ties by lot: which one it takes shows only with the request. */
  readonly byChance: boolean;
}

/** A service as people are shown it, with its instances. */
export interface RouterState extends ServiceOverview {
  readonly instances: readonly InstanceState[];
}

/** A service as people are shown it, but for its instances. */
export interface ServiceOverview {
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
  /** Null: requests are not tied together. */
  readonly affinity: AffinityState | null;
  /** Null: summaries of neighbours are neither sent nor used. */
  readonly neighbours: NeighboursState | null;
  /** Groups of instances by preference, the most preferred first; empty where none is preferred. */
  readonly groups: readonly GroupView[];
  /** The requirements, the most important first; empty where the latency goal is the only one. */
  readonly requirements: readonly RequirementState[];
  /** Worst served first; bounded. */
  readonly clients: readonly ClientState[];
}

/** A requirement over all clients. */
export interface RequirementState extends RequirementLevel {
  /** Share of the clients for which it holds; null without clients. */
  readonly clientsRatio: number | null;
  /** What requests are held to now of an attribute share, which yields to the latency goal; null for all others. */
  readonly heldShare: number | null;
  /** What a miss of it is worth beside one of the latency goal; null where it has no price. */
  readonly price: number | null;
}

/** An instance as people are shown it: times in ms, shares in [0, 1]. */
export interface InstanceState extends CandidateView {
  readonly key: InstanceKey;
  readonly instance: Instance;
  readonly local: boolean;
  readonly availability: Availability;
  readonly rttMs: number;
  readonly rttKnown: boolean;
  readonly inFlight: number;
  readonly requestsPerSecond: number;
  /** Attempts of this load balancer there, all time. */
  readonly requests: number;
  readonly failures: number;
  /** Milliseconds since one of them was answered; null before that. */
  readonly answeredAgeMs: number | null;
  /** More of its attempts ended badly lately than those of a healthy instance do. */
  readonly failing: boolean;
  /** What was held against it in its last attempts, the most frequent first. */
  readonly reasons: readonly ReasonShare[];
  /** Attempts by verdict, all time. */
  readonly results: Readonly<Record<string, number>>;
  /** Which requirements it serves, null where too little is known of it; empty where the latency goal is the only one. */
  readonly serves: Readonly<Record<string, boolean | null>>;
  /** What it lacks of what the service demands of each instance: with anything, it gets no request. */
  readonly lacks: readonly string[];
}

/** How many sessions are kept, and how they fared. */
export interface AffinityState {
  /** Sessions that are remembered. */
  readonly sessions: number;
  /** Requests of known sessions that went where the one before went, and that did not; all time. */
  readonly kept: number;
  readonly moved: number;
}

/** What is kept over a restart: plain JSON, ages in ms. */
export interface RouterSnapshot {
  readonly version: 1;
  readonly service: string;
  /** Stands for the service definition and the policy; a snapshot with another one is not used. */
  readonly fingerprint: string;
  readonly rtts: Readonly<Record<string, number>>;
  readonly policy: unknown;
  readonly clients: unknown;
  /** What the chains that begin with the service learned, by name; absent: there are none. */
  readonly chains?: unknown;
  /** Quotas and prices; absent where the latency goal is the only requirement. */
  readonly requirements?: unknown;
}

/** Something that happened, for the event log: placement, trips, resets, environment. */
export type RouterEvent =
  | PolicyEvent
  | { readonly kind: 'instance-added' | 'instance-removed' | 'instance-refused'; readonly key: InstanceKey }
  | { readonly kind: 'instance-failing'; readonly key: InstanceKey; readonly reasons: readonly ReasonShare[] }
  | { readonly kind: 'instance-well'; readonly key: InstanceKey }
  | { readonly kind: 'instance-availability'; readonly key: InstanceKey; readonly availability: Availability }
  | { readonly kind: 'neighbour-ignored'; readonly nodeId: string; readonly key: InstanceKey; readonly untilMs: number }
  | { readonly kind: 'rtt-step'; readonly nodeId: string; readonly fromMs: number; readonly toMs: number };
