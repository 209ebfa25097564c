// The instances of a service, as placement, health checks, round trips and instances themselves make them: which there are, how
// far away, and which take traffic. How requests end is kept elsewhere.

import { assert, assertNever } from '../assert.ts';
import {
  type Availability,
  type Candidate,
  type Instance,
  type InstanceKey,
  instanceKey,
  type PlacementUpdate,
  type QosTarget,
} from '../domain.ts';
import { readProfile } from '../profile.ts';
import { lacks } from '../requirements/attributes.ts';
import type { Attributes } from '../requirements/requirements.ts';
import type { RouterEvent } from '../service-router.ts';
import { CandidateSet } from './candidate-set.ts';
import type { LiveCandidate } from './live-candidate.ts';
import { RttTable } from './rtt-table.ts';

export interface MembershipOptions {
  readonly service: string;
  readonly qos: QosTarget;
  readonly localNodeId: string;
  readonly instancesMax: number;
  /** Share by which an RTT moves to make a step. */
  readonly rttChangeRatio: number;
  /** What an instance has to have to get any request; null: nothing. */
  readonly security: Attributes | null;
  readonly onEvent: (event: RouterEvent) => void;
  /** A handle means a new instance. */
  readonly onAdded: (candidate: Candidate) => void;
  /** The instance of a handle has left. */
  readonly onRemoved: (handle: number) => void;
  /** The set of instances changed. A handle is free for another one only when this has returned. */
  readonly onChange: (nowMs: number) => void;
}

/** The instances of one service: applies what placement, probes and the instances themselves say, and reports each change. */
export class Membership {
  readonly set = new CandidateSet();
  readonly rtts: RttTable;
  readonly #options: MembershipOptions;
  /** When the first ejected instance is back; +Infinity when none is ejected. */
  ejectionsEndMs: number = Number.POSITIVE_INFINITY;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.rtts = new RttTable(options.rttChangeRatio);
  }

  apply(update: PlacementUpdate, nowMs: number): void {
    switch (update.kind) {
      case 'instance-set':
        this.#setInstance(update.instance, nowMs);
        break;
      case 'instance-removed':
        this.#remove(update.key, nowMs);
        break;
      case 'instance-availability':
        this.#setAvailability(update.key, update.availability, nowMs);
        break;
      default:
        assertNever(update);
    }
  }

  /** A round trip to a node was measured, ms. What is no round trip is ignored. */
  observeRtt(nodeId: string, rttMs: number, nowMs: number): void {
    if (!(rttMs >= 0) || rttMs === Number.POSITIVE_INFINITY) return;
    const step = this.rtts.observe(nodeId, rttMs);
    let concerned = false;
    for (const candidate of this.set.live) {
      if (candidate.instance.nodeId !== nodeId) continue;
      candidate.rttMs = rttMs;
      candidate.rttKnown = true;
      concerned = true;
    }
    if (!concerned || step === null) return;
    if (step.fromMs !== null) this.#options.onEvent({ kind: 'rtt-step', nodeId, fromMs: step.fromMs, toMs: rttMs });
    this.#options.onChange(nowMs);
  }

  /** Takes back the round trips of an earlier run, for what is not measured yet. */
  restoreRtts(rtts: unknown): void {
    this.rtts.restore(rtts);
    for (const candidate of this.set.live) this.#applyKnownRtt(candidate);
  }

  /** Ejects an instance that asked for a pause until `untilMs`. */
  eject(candidate: Candidate, untilMs: number, nowMs: number): void {
    const live = this.set.at(candidate.handle);
    if (live === undefined || live !== candidate || untilMs <= live.ejectedUntilMs) return;
    if (live.ejectedUntilMs <= nowMs) {
      const reason = 'it asked for a pause (Retry-After)';
      this.#options.onEvent({ kind: 'ejected', key: live.key, untilMs, reason });
    }
    live.ejectedUntilMs = untilMs;
    this.ejectionsEndMs = Math.min(this.ejectionsEndMs, untilMs);
    this.#refreshAvailability(live, nowMs);
  }

  /** Takes back ejected instances whose pause is over; to be called from `ejectionsEndMs` on. */
  endEjections(nowMs: number): void {
    this.ejectionsEndMs = Number.POSITIVE_INFINITY;
    for (const candidate of this.set.live) {
      this.#refreshAvailability(candidate, nowMs);
      if (candidate.ejectedUntilMs > nowMs)
        this.ejectionsEndMs = Math.min(this.ejectionsEndMs, candidate.ejectedUntilMs);
    }
  }

  #setInstance(instance: Instance, nowMs: number): void {
    const { service, instancesMax, onEvent, onChange } = this.#options;
    assert(instance.service === service, `instance of ${instance.service} came to the router of ${service}`);
    const key = instanceKey(instance);
    const known = this.set.get(key);
    if (known !== undefined && isSameAddress(known.instance, instance)) {
      const isAssumedAgain = !known.rttKnown && known.instance.rttMs !== instance.rttMs;
      known.instance = instance;
      this.#admit(known);
      if (isAssumedAgain) known.rttMs = this.#assumedRttMs(known);
      onChange(nowMs);
      return;
    }
    if (known !== undefined) this.#remove(key, nowMs);
    if (this.set.live.length < instancesMax) this.#add(key, instance, nowMs);
    else onEvent({ kind: 'instance-refused', key });
  }

  #add(key: InstanceKey, instance: Instance, nowMs: number): void {
    const local = instance.nodeId === this.#options.localNodeId;
    const rttMs = this.#assumedRttMs({ instance, local });
    const candidate = this.set.add({ key, instance, local, rttMs });
    this.#admit(candidate);
    this.#applyKnownRtt(candidate);
    this.#options.onAdded(candidate);
    this.#options.onEvent({ kind: 'instance-added', key });
    this.#options.onChange(nowMs);
  }

  /** Bars it where it lacks something that the service demands. */
  #admit(candidate: LiveCandidate): void {
    const { security } = this.#options;
    if (security === null) return;
    const { instance, local } = candidate;
    this.set.setLacks(candidate, lacks({ instance, local, profile: readProfile(instance.profile) }, security, 0));
  }

  #remove(key: InstanceKey, nowMs: number): void {
    const candidate = this.set.get(key);
    if (candidate === undefined) return;
    this.set.remove(candidate);
    this.#options.onRemoved(candidate.handle);
    this.#options.onEvent({ kind: 'instance-removed', key });
    this.#options.onChange(nowMs);
    // Every reader has seen it leave: the handle may mean another instance.
    this.set.release(candidate.handle);
  }

  #setAvailability(key: InstanceKey, availability: Availability, nowMs: number): void {
    const candidate = this.set.get(key);
    if (candidate === undefined || candidate.placed === availability) return;
    candidate.placed = availability;
    this.#options.onEvent({ kind: 'instance-availability', key, availability });
    this.#refreshAvailability(candidate, nowMs);
  }

  /** Sets what the policy sees: an ejected instance is a suspect one, for when nothing better is left. */
  #refreshAvailability(candidate: LiveCandidate, nowMs: number): void {
    const { placed, ejectedUntilMs } = candidate;
    const availability = placed === 'up' && ejectedUntilMs > nowMs ? 'suspect' : placed;
    if (candidate.availability === availability) return;
    this.set.setAvailability(candidate, availability);
    this.#options.onChange(nowMs);
  }

  #assumedRttMs({ instance, local }: Pick<LiveCandidate, 'instance' | 'local'>): number {
    return instance.rttMs ?? this.rtts.assumedMs(local, this.#options.qos.latencyMs);
  }

  #applyKnownRtt(candidate: LiveCandidate): void {
    const rttMs = this.rtts.get(candidate.instance.nodeId);
    if (rttMs === undefined) return;
    candidate.rttMs = rttMs;
    candidate.rttKnown = true;
  }
}

function isSameAddress(a: Instance, b: Instance): boolean {
  return a.scheme === b.scheme && a.host === b.host && a.port === b.port;
}
