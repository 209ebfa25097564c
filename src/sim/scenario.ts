// What is simulated, validated and with every default filled in. What a person writes is in scenario/scenario-schema.ts.

import type { Instance, Labels, QosTarget, Tier } from '../core/domain.ts';
import type { Requirements } from '../core/requirements/requirements.ts';
import type { BatchSpec } from './instances/batch-server.ts';
import type { Discipline } from './instances/server.ts';
import type { GroupsSpec } from './world/client-groups.ts';
import { busyRatio, type SpellsSpec } from './world/spells.ts';

/** A whole scenario: times in ms, rates per second, shares in [0, 1]. */
export interface Scenario {
  readonly name: string;
  readonly description: string;
  readonly durationMs: number;
  /** Seeds to run, when the caller names none. */
  readonly seeds: readonly number[];
  /** Policies to run, when the caller names none. */
  readonly policies: readonly string[];
  readonly qos: QosTarget;
  readonly requirements: Requirements;
  /** Factor on every client's rate. */
  readonly load: number;
  /** Where "steady" begins: what comes before is learning. */
  readonly steadyFromMs: number;
  readonly topology: TopologySpec;
  readonly network: NetworkSpec;
  readonly model: InstanceModel;
  readonly overrides: readonly InstanceOverride[];
  readonly clients: readonly ClientGroup[];
  /** Absent: a request is of one service. Else each is a run through these, one after another, and `qos` is its goal as a whole. */
  readonly stages?: readonly StageSpec[];
  readonly events: readonly ScenarioEvent[];
}

/** Where nodes are: drawn over Europe, or a given matrix of round trips (ms). */
export type TopologySpec =
  | { readonly kind: 'europe'; readonly nodes: number; readonly instances: number; readonly idleProcessingMs: number }
  | {
      readonly kind: 'matrix';
      readonly nodes: readonly string[];
      /** Row by row, ms; +Infinity where there is no way. */
      readonly rttMs: readonly (readonly number[])[];
      /** Nodes that carry an instance, which are named i1, i2… in this order. */
      readonly instances: readonly string[];
      /** Nodes that carry a load balancer. */
      readonly balancers: readonly string[];
      /** They are event loops of one process: each sees what the others have in flight. */
      readonly oneProcess?: boolean;
    };

/** Load balancers that send one another what they saw; times in ms. */
export interface NeighboursSpec {
  /** Each hears so many, the nearest. */
  readonly max: number;
  readonly samplesMax: number;
  /** Each looks so often whether anything is to be said. */
  readonly everyMs: number;
  /** What a message takes, by half more or less. */
  readonly delayMs: number;
  /** Share of the messages that are lost. */
  readonly lossRatio: number;
  /** Load balancers, by number, that say of one instance, however long it takes, that it takes `liedMs`. */
  readonly liars: readonly number[];
  readonly liedAbout: string;
  readonly liedMs: number;
}

/** The way between nodes, and what connections cost; times in ms. */
export interface NetworkSpec {
  /** Mean of the exponential jitter on every round trip, ms. */
  readonly jitterMs: number;
  /** Further attempts after a refused connection. */
  readonly retries: number;
  readonly timeoutMs: number;
  /** How often a load balancer measures the round trip to every node. */
  readonly probeMs: number;
  /** How long a change of placement takes to reach a load balancer, on average. */
  readonly placementMs: number;
  /** Absent: load balancers send one another nothing. */
  readonly neighbours?: NeighboursSpec;
  readonly connections: {
    /** Round trips that a new connection takes before its first request; 0: connections are always there. */
    readonly handshakeRtts: number;
    /** An idle connection is closed after this long. */
    readonly idleMs: number;
    /** Connections of each load balancer to each instance that are kept open all the time. */
    readonly warm: number;
  };
}

/** How an instance works: its cores, the time a request takes, how it fails. */
export interface InstanceModel {
  readonly discipline: Discipline | 'batching';
  readonly cores: number;
  /** Only where requests are answered in batches. */
  readonly batch: BatchSpec | null;
  /** CPU time of a request: lognormal, or Pareto of shape `workTail` where that is not null. */
  readonly workMeanMs: number;
  readonly workCv: number;
  readonly workTail: number | null;
  /** What a request takes besides CPU: fixed + exponential. */
  readonly overheadFixedMs: number;
  readonly overheadMeanMs: number;
  /** Requests inside at the most; one more is answered 503 at once. */
  readonly jobsMax: number;
  /** Everything stands still for `stallMs` once every `stallEveryMs` on average (Poisson); +Infinity: never. */
  readonly stallEveryMs: number;
  readonly stallMs: number;
  /** It loads its model for `coldLoadMs` at the first request, and after `coldIdleMs` without one; 0: it never does. */
  readonly coldLoadMs: number;
  readonly coldIdleMs: number;
  /** Another service on the same processor, which is steered by others; null: none. */
  readonly neighbour: NeighbourSpec | null;
  /** What it gives and costs, as it is announced and as it is counted; absent: nothing is known. */
  readonly profile?: Instance['profile'];
  /** The labels of its node, and its own; absent: none. */
  readonly tier?: Tier;
  readonly labels?: Labels;
  readonly tls?: boolean;
}

/** Other work on an instance's processor, in spells. */
export interface NeighbourSpec extends SpellsSpec {
  /** Requests per second while it is busy, at random. */
  readonly ratePerSecond: number;
  /** CPU time of each: exponential. */
  readonly workMeanMs: number;
}

/** Requests per second that an instance carries at the most beside its neighbour, its stalls not counted. */
export function capacityOf({ cores, workMeanMs, batch, neighbour }: InstanceModel): number {
  const taken =
    neighbour === null ? 0 : (busyRatio(neighbour) * neighbour.ratePerSecond * neighbour.workMeanMs) / 1_000;
  const single = (1_000 * Math.max(0, cores - taken)) / workMeanMs;
  return batch === null ? single : (single * batch.size) / (1 + batch.marginal * (batch.size - 1));
}

/** A service that each request asks for in its turn, and the instances that run it. */
export interface StageSpec {
  readonly name: string;
  readonly instances: readonly string[];
}

export interface InstanceOverride {
  readonly instance: string;
  readonly model: InstanceModel;
}

/** Clients of one kind, by load balancer. */
export interface ClientGroup {
  /** How many on each of the chosen load balancers. */
  readonly each: number;
  /** Nodes by name, this many at random, or all that have a load balancer. */
  readonly on: 'all' | number | readonly string[];
  /** Requests per second while it sends. */
  readonly ratePerSecond: number;
  readonly pattern: 'periodic' | 'poisson';
  /** It waits for each answer, and for so long after it on average (exponential), in place of sending at a rate; absent: it does not. */
  readonly thinkMs?: number;
  /** Absent: its requests are all alike. */
  readonly groups?: GroupsSpec;
  /** Requests that it sends at once, in place of one, so much more rarely. */
  readonly burst: number;
  /** It sends for `busyMs` and is silent for `idleMs` in turns, on average (exponential); `idleMs` 0: it always sends. */
  readonly busyMs: number;
  readonly idleMs: number;
  /** Each client's clock is off by up to this much, parts per million. */
  readonly driftPpm: number;
  /** Factor on the CPU time of each of their requests: larger frames, longer prompts. */
  readonly workFactor: number;
  readonly fromMs: number;
  /** +Infinity: they stay. */
  readonly untilMs: number;
}

/** `instance` is a name (i1, i2…) or `random`: drawn by the seed. `forMs` +Infinity: it stays so. */
export type ScenarioEvent =
  | { readonly kind: 'join'; readonly atMs: number; readonly instance: string; readonly node: string }
  /** Graceful: withdrawn at once, answers for `graceMs` more. */
  | { readonly kind: 'leave'; readonly atMs: number; readonly instance: string; readonly graceMs: number }
  /** Refuses connections; withdrawn after `detectedMs` (+Infinity: placement never hears of it). */
  | {
      readonly kind: 'crash';
      readonly atMs: number;
      readonly instance: string;
      readonly forMs: number;
      readonly detectedMs: number;
    }
  /** Takes connections and answers none. */
  | { readonly kind: 'hang'; readonly atMs: number; readonly instance: string; readonly forMs: number }
  | {
      readonly kind: 'slow';
      readonly atMs: number;
      readonly instance: string;
      readonly forMs: number;
      /** CPU time × this. */
      readonly factor: number;
    }
  /** Every answer takes `addMs` more. */
  | {
      readonly kind: 'delay';
      readonly atMs: number;
      readonly instance: string;
      readonly forMs: number;
      readonly addMs: number;
    }
  /** Every round trip to the instance's node takes `addMs` more. */
  | {
      readonly kind: 'link';
      readonly atMs: number;
      readonly instance: string;
      readonly forMs: number;
      readonly addMs: number;
    }
  /** This share of requests is answered with a failure at once. */
  | {
      readonly kind: 'errors';
      readonly atMs: number;
      readonly instance: string;
      readonly forMs: number;
      readonly ratio: number;
    }
  | {
      readonly kind: 'flap';
      readonly atMs: number;
      readonly instance: string;
      readonly forMs: number;
      readonly upMs: number;
      readonly downMs: number;
    }
  /** All instances at once stand still for a moment, up to `pauseMs` long, again and again: an uplink that stalls. */
  | {
      readonly kind: 'hiccups';
      readonly atMs: number;
      readonly forMs: number;
      /** Mean time from the end of one to the next. */
      readonly gapMs: number;
      readonly pauseMs: number;
    }
  /** The links to several instances at once take `addMs` more for a moment, of `lengthMs` on average, again and again. */
  | {
      readonly kind: 'bursts';
      readonly atMs: number;
      readonly forMs: number;
      /** Names, or this many at random. */
      readonly instances: number | readonly string[];
      readonly gapMs: number;
      readonly lengthMs: number;
      readonly addMs: number;
    }
  /** The uplink of each of these load balancers stands still for a moment, up to `pauseMs` long, again and again. */
  | {
      readonly kind: 'uplink';
      readonly atMs: number;
      readonly forMs: number;
      readonly on: 'all' | number | readonly string[];
      readonly gapMs: number;
      readonly pauseMs: number;
    }
  /** The broker of placement hangs, or is killed: what is announced meanwhile arrives after it. */
  | { readonly kind: 'broker'; readonly atMs: number; readonly forMs: number; readonly how: 'hang' | 'kill' }
  /** Load balancers start again: with what they had learned, or with nothing. */
  | {
      readonly kind: 'restart';
      readonly atMs: number;
      readonly on: 'all' | number | readonly string[];
      readonly state: 'warm' | 'cold';
      /** Age of the state that a warm one comes back with. */
      readonly ageMs: number;
    };
