// The words of the routing core: nodes carry instances of services, clients send requests, every attempt has an outcome.

import type { RequirementLevel } from './requirements/level.ts';

/** Where on the edge-to-cloud continuum a node stands. */
export const TIERS = ['far-edge', 'near-edge', 'cloud'] as const;
/** A tier of the edge-to-cloud continuum, as a node says it of itself. */
export type Tier = (typeof TIERS)[number];

/** Text by name, as nodes and instances carry them. */
export type Labels = Readonly<Record<string, string>>;

/** Instances that a service prefers: those on this load balancer's node, those of a tier, or those that carry labels. */
export type Preference = 'local' | Tier | Labels;

/** A machine of the continuum. `address` and `probePort` say where its qedge answers probes; null when it runs none. */
export interface Node {
  readonly id: string;
  readonly address: string | null;
  readonly probePort: number | null;
  /** That port speaks TLS, so its distance is timed by a TCP connect. Absent: it answers `GET /-/ping`. */
  readonly probeTls?: boolean | undefined;
  readonly tier: Tier | null;
  readonly labels: Labels;
  /** Changes when the node starts again; null when it announces none. */
  readonly boot: string | null;
  /** How loaded the node says it is; null or absent when it does not say. A hint, never a command. */
  readonly load?: DeviceLoad | null;
}

/** What a device reports of its own state; null where it does not. */
export interface DeviceLoad {
  /** Share of processor time in use, 0 to 1. */
  readonly cpuRatio: number | null;
  /** Share of memory that is not available, 0 to 1. */
  readonly memoryRatio: number | null;
  /** Hottest sensor, °C. */
  readonly temperatureC: number | null;
  /** The processor is slowed down now, by heat or by low voltage. */
  readonly throttled: boolean | null;
  readonly power: 'mains' | 'battery' | null;
  /** Charge left, 0 to 1. */
  readonly batteryRatio: number | null;
}

/** `h2c`: HTTP/2 without TLS, by prior knowledge. */
export type Scheme = 'http' | 'https' | 'h2c';

/** Where an instance is known from: the configuration, this node's own `[[announce]]`, or one of the sources of placements. */
export type InstanceSource = 'config' | 'announce' | 'file' | 'docker' | 'mqtt' | 'informer' | 'dns' | 'mdns';

/** Where something listens on TCP. */
export interface HostPort {
  /** An address or a name; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** One running copy of a service on a node. Its key, `<node>/<id>`, is unique within the service. */
export interface Instance extends HostPort {
  readonly service: string;
  readonly nodeId: string;
  readonly id: string;
  readonly scheme: Scheme;
  readonly labels: Labels;
  /** Tier of its node; absent or null when that is not known. */
  readonly tier?: Tier | null | undefined;
  /** Round trip to assume until its node is measured, ms; absent or null: the router assumes one. */
  readonly rttMs?: number | null | undefined;
  /** Where it was learned from, for people; absent where there is one source only. */
  readonly source?: InstanceSource | undefined;
  /** What a profile-driven policy needs (energy, accuracy); opaque to everything else. */
  readonly profile: Readonly<Record<string, unknown>> | null;
}

/** `node/instance`, unique within a service. */
export type InstanceKey = string;

/** The key of an instance. */
export function instanceKey(instance: Pick<Instance, 'nodeId' | 'id'>): InstanceKey {
  return `${instance.nodeId}/${instance.id}`;
}

/**
 * (τ, ρ, W): a request succeeds when it is answered within `latencyMs` and did not fail; over every sliding window of
 * `windowMs`, at least the share `successRatio` of each client's requests must succeed (Čilić et al., eq. 6 and 7).
 */
export interface QosTarget {
  /** τ, milliseconds, > 0. */
  readonly latencyMs: number;
  /** ρ, in (0, 1]. */
  readonly successRatio: number;
  /** W, milliseconds, > 0. */
  readonly windowMs: number;
}

/** Whether an instance may take traffic, as far as placement and health checks say. */
export type Availability =
  /** Takes traffic. */
  | 'up'
  /** Its node was lost or its checks fail: only when nothing better is left. */
  | 'suspect'
  /** Taken out by an operator or about to leave: finishes what it has, gets nothing new unless it is the last. */
  | 'draining';

/** What an instance looks like to a policy. Owned and kept current by the service router; policies read it. */
export interface Candidate {
  /** Small dense integer, stable while the instance lives, reused after it is gone: an index into a policy's arrays. */
  readonly handle: number;
  readonly key: InstanceKey;
  readonly instance: Instance;
  /** True for an instance on this load balancer's own node. */
  readonly local: boolean;
  /** ℓⁿ, network round trip in ms; the router's assumption (`rttKnown` false) until the first probe or observation. */
  readonly rttMs: number;
  readonly rttKnown: boolean;
  readonly availability: Availability;
  /** It takes requests: it is `up`, or none is and it is of the next best availability that any has. */
  readonly isActive: boolean;
  /** What it lacks of what the service demands of each instance, for people; with anything, it gets no request. */
  readonly lacks: readonly string[];
  /**
   * True while the router ejects it for a pause that it asked for: then it is `suspect` for no other reason. Which
   * instances a policy ejects, the policy knows.
   */
  readonly ejected: boolean;
  /** This load balancer's own requests in flight there, of all its event loops. */
  readonly inFlight: number;
  /** Its own requests there that were judged by their beginning, and go on: event streams, connections that switched protocols. */
  readonly streams: number;
  /** When the oldest of them was sent; +Infinity when none is. */
  readonly oldestStartMs: number;
}

/** Requests come in so many groups of unlike difficulty at the most: frames by the number of objects they show, say. */
export const GROUPS_MAX = 16;

/** What a policy may know of a request before it is sent. The driver may reuse one object for many requests. */
export interface RequestInfo {
  /** The client, for QoS accounting only; it grants nothing. Empty when clients are not distinguished. */
  readonly clientId: string;
  /** Budget left for this request, ms: the smaller of the service's τ and a deadline that came with it. */
  readonly budgetMs: number;
  /** What ties requests together that an instance keeps something for; absent or empty: nothing does. */
  readonly session?: string;
  /** What is asked, as a number (`questionOf`); absent or 0: it is not known. */
  readonly question?: number;
  /** Handles that this request was already sent to; a retry avoids them while any other candidate lives. */
  readonly tried: readonly number[];
}

/**
 * How an attempt ended, as policies see it.
 * `answered`  the instance answered in full, in time or late;
 * `failed`    it answered with a failure status, or died mid-answer;
 * `full`      it answered that it has enough to do: a failure, but no sign that it is broken;
 * `refused`   connection refused or reset before any byte of an answer;
 * `timeout`   no answer before the service's timeout;
 * `aborted`   the client went away first: says nothing of the instance unless the limit had already passed.
 */
export type AttemptResult = 'answered' | 'failed' | 'full' | 'refused' | 'timeout' | 'aborted';

/**
 * How an attempt ended, as drivers report it. What `redirected`, `declined`, `empty` and `unfit` answers are worth shows only beside
 * those of the other instances: the router takes each for `answered` or for `failed`. One whose client set a deadline that passed is `expired`:
 * a `timeout`, or `aborted` where the instances usually take longer. What was sent and not looked at is `unprocessed` and says nothing.
 */
export type Evidence = AttemptResult | 'redirected' | 'declined' | 'empty' | 'unfit' | 'expired' | 'unprocessed';

/** What a policy observes of every attempt, as it starts and as it ends. One object may be reused for all of them. */
export type Outcome =
  | {
      readonly kind: 'start';
      readonly candidate: Candidate;
      readonly startMs: number;
    }
  | {
      readonly kind: 'end';
      readonly candidate: Candidate;
      readonly startMs: number;
      /** Attempts that were in flight at the same instance when it started. */
      readonly ahead: number;
      /** ℓ, end to end as seen here, ms: what is charged to the instance, never the client's own slowness. */
      readonly latencyMs: number;
      readonly result: AttemptResult;
      /** result is `answered` and latency ≤ τ (eq. 5). */
      readonly success: boolean;
    };

/** How a request as a whole ended for its client: answered within τ, answered later, or not answered as asked. */
export type RequestEnding = 'success' | 'late' | 'failed';

/** No instance, where a handle is expected. */
export const NO_HANDLE = -1;

/** A request as a whole, as its client saw it. One object may be reused for all of them. */
export interface EndedRequest {
  readonly clientId: string;
  readonly ending: RequestEnding;
  /** Time from its arrival to its answer, ms. */
  readonly latencyMs: number;
  /** Where its last attempt went; `NO_HANDLE`: nowhere. */
  readonly handle: number;
  /** What it had, ms, where its client or its chain gave it less than the service does; absent or more: what the service gives. */
  readonly limitMs?: number;
}

/** Changes of placement, in the order in which they are to be applied. */
export type PlacementUpdate =
  /** A new instance, or new facts about a known one (a changed address counts as removed and added). */
  | { readonly kind: 'instance-set'; readonly instance: Instance }
  | { readonly kind: 'instance-removed'; readonly key: InstanceKey }
  | { readonly kind: 'instance-availability'; readonly key: InstanceKey; readonly availability: Availability };

/** How one client fares. */
export interface ClientState {
  readonly clientId: string;
  /** Requests within W. */
  readonly requests: number;
  readonly successRatio: number;
  /** Absent where the latency goal is the only requirement. */
  readonly requirements?: readonly RequirementLevel[];
  /** The requirement that it misses by most; null: all hold. Absent where the latency goal is the only one. */
  readonly missed?: string | null;
}
