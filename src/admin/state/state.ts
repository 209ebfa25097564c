// What the admin port reports of this node: the answer of /api/v1/state and the facts it is put together from.

import type { ChainState } from '../../core/chain/chain.ts';
import type { InstanceKey, InstanceSource, Labels, Tier } from '../../core/domain.ts';
import type { NeighbourhoodState } from '../../core/neighbours/neighbourhood-state.ts';
import type { RouterEvent, RouterState } from '../../core/service-router.ts';
import type { EventEntry } from '../../telemetry/events.ts';
import type { ProcessFacts } from '../../telemetry/process-facts.ts';

/** Everything that goes into the event log: what the routers did, and what happened to the node. */
export type QedgeEvent = RouterEvent | NodeEvent;

/** What happened to this node: its broker, its store, its life, and what was changed over the admin API. */
export type NodeEvent =
  | { readonly kind: 'broker'; readonly connected: boolean; readonly url: string; readonly reason: string }
  | { readonly kind: 'store'; readonly ok: boolean; readonly reason: string }
  | { readonly kind: 'lifecycle'; readonly phase: LifecyclePhase; readonly detail: string }
  /** Someone changed something over the admin API: the audit line. */
  | { readonly kind: 'action'; readonly action: string; readonly target: string; readonly by: string };

export type LifecyclePhase = 'started' | 'reloaded' | 'reload refused' | 'draining';

/** Facts about the node that only the composition root knows; process facts come from telemetry. */
export interface NodeFacts {
  readonly id: string;
  readonly tier: Tier | null;
  readonly address: string | null;
  readonly labels: Labels;
  readonly version: string;
  readonly commit: string;
  readonly listeners: readonly ListenerFacts[];
  readonly configuration: ConfigurationFacts;
  /** Null: no broker is configured. */
  readonly broker: BrokerFacts | null;
  /** Sources of placements beside the broker that the configuration asks for. */
  readonly sources: readonly SourceFacts[];
  /** Null: nothing is kept on disk. */
  readonly store: StoreFacts | null;
  readonly probes: readonly ProbeFacts[];
  /** Null where summaries are neither sent nor used. */
  readonly neighbourhood: NeighbourhoodState | null;
  /** What is wrong around this node, one sentence each. */
  readonly troubles: readonly string[];
}

/** A port that this node listens on. */
export interface ListenerFacts {
  /** `proxy`, `admin`, or the service that has this port of its own. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** What became of the last reload. */
export interface ConfigurationFacts {
  /** Wall clock, ms since the epoch, of the last reload; null before the first. */
  readonly reloadedMs: number | null;
  /** Why the last reload was refused and nothing changed; empty when it was not. */
  readonly problems: readonly string[];
  /** Keys of which the file holds another value than what runs: a restart takes them over. */
  readonly restartKeys: readonly string[];
}

/** The connection to the broker; null in `NodeFacts` where none is configured. */
export interface BrokerFacts {
  /** Without credentials. */
  readonly url: string;
  readonly connected: boolean;
  /** Wall clock, ms since the epoch, of the last change between connected and not; null before the first. */
  readonly sinceMs: number | null;
  readonly messagesReceived: number;
  readonly messagesRejected: number;
}

/** A source of placements beside the broker. */
export interface SourceFacts {
  readonly source: InstanceSource;
  /** What is wrong with it; null when nothing is. */
  readonly trouble: string | null;
  /** Instances that are known from it. */
  readonly instances: number;
  /** Instances that it announces and that are not used: of services not served here, or refused. */
  readonly leftOut: number;
}

export interface StoreFacts {
  readonly path: string;
  readonly ok: boolean;
  /** What is wrong; empty when nothing is. */
  readonly detail: string;
  readonly lastFlushMs: number | null;
  readonly bytes: number | null;
}

/** The round trip to one node, as last measured. */
export interface ProbeFacts {
  readonly nodeId: string;
  readonly tier: Tier | null;
  /** Null before the first answer. */
  readonly rttMs: number | null;
  /** Probes unanswered since the last answer. */
  readonly failures: number;
  /** Milliseconds since the last answer; null before the first. */
  readonly ageMs: number | null;
}

/** The node as the API shows it: facts, process and telemetry. */
export interface NodeState extends NodeFacts {
  readonly nodejs: string;
  readonly arch: string;
  readonly process: ProcessFacts;
}

/** Answer of `/api/v1/state`: the node and all its services. */
export interface StateDocument {
  /** Wall clock, ISO 8601. */
  readonly time: string;
  /** Number of the newest event, to ask for what follows. */
  readonly lastEventSequence: number;
  readonly ready: boolean;
  /** Why not; empty when ready. */
  readonly notReadyReasons: readonly string[];
  readonly node: NodeState;
  readonly services: readonly RouterState[];
  readonly chains: readonly ChainState[];
}

/** The estimated density of one instance's end-to-end latency, as this load balancer sees it. */
export interface DensityDocument {
  readonly key: InstanceKey;
  /** τ, ms. */
  readonly limitMs: number;
  readonly rttMs: number;
  /** Ascending, ms. */
  readonly latencyMs: readonly number[];
  /** Per ms, at each of `latencyMs`. */
  readonly density: readonly number[];
}

/** An event as the API reports it. */
export interface EventDocument {
  readonly sequence: number;
  /** Wall clock, ISO 8601. */
  readonly time: string;
  readonly service: string | null;
  readonly kind: QedgeEvent['kind'];
  /** The instance or node it is about; null where it is about the service or this node. */
  readonly subject: string | null;
  /** One sentence for people. */
  readonly message: string;
  readonly severity: 'info' | 'notice' | 'warning';
}

/** What the live feed sends. */
export type LiveMessage =
  | { readonly kind: 'state'; readonly state: StateDocument }
  | { readonly kind: 'events'; readonly events: readonly EventDocument[] };

export type QedgeEventEntry = EventEntry<QedgeEvent>;
