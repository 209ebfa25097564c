// The live instances by key, by handle and by availability. Handles are small and dense; one is free again
// only when `release` says that every reader has seen its instance leave.

import type { Availability, Instance, InstanceKey } from '../domain.ts';
import { LiveCandidate } from './live-candidate.ts';

/** The best first. */
const AVAILABILITIES: readonly Availability[] = ['up', 'suspect', 'draining'];

export class CandidateSet {
  /** Every live instance, in order of arrival. */
  readonly live: LiveCandidate[] = [];
  /** Those of them that the service may use. */
  admitted: readonly LiveCandidate[] = this.live;
  /** Those that take requests: the ones that are up; when none is, the suspect ones; when there are none, those draining. */
  readonly active: LiveCandidate[] = [];
  readonly #byHandle: (LiveCandidate | undefined)[] = [];
  readonly #byKey = new Map<InstanceKey, LiveCandidate>();
  readonly #freeHandles: number[] = [];
  /** Reused by `untried`. */
  readonly #untried: LiveCandidate[] = [];

  get(key: InstanceKey): LiveCandidate | undefined {
    return this.#byKey.get(key);
  }

  at(handle: number): LiveCandidate | undefined {
    return this.#byHandle[handle];
  }

  /** Returns the instances of the best availability left without the handles in `tried`. Valid until the next call. */
  untried(tried: readonly number[]): readonly LiveCandidate[] {
    const untried = this.#untried;
    untried.length = 0;
    for (const availability of AVAILABILITIES) {
      for (const candidate of this.admitted) {
        if (candidate.availability === availability && !tried.includes(candidate.handle)) untried.push(candidate);
      }
      if (untried.length > 0) break;
    }
    return untried;
  }

  add(facts: {
    readonly key: InstanceKey;
    readonly instance: Instance;
    readonly local: boolean;
    readonly rttMs: number;
  }): LiveCandidate {
    const handle = this.#freeHandles.pop() ?? this.#byHandle.length;
    const candidate = new LiveCandidate({ handle, ...facts });
    this.#byHandle[handle] = candidate;
    this.#byKey.set(facts.key, candidate);
    this.live.push(candidate);
    this.#collectActive();
    return candidate;
  }

  /** Takes an instance out; its handle stays reserved until `release`. */
  remove(candidate: LiveCandidate): void {
    this.#byKey.delete(candidate.key);
    this.#byHandle[candidate.handle] = undefined;
    this.live.splice(this.live.indexOf(candidate), 1);
    this.#collectActive();
  }

  release(handle: number): void {
    this.#freeHandles.push(handle);
  }

  setAvailability(candidate: LiveCandidate, availability: Availability): void {
    candidate.availability = availability;
    this.#collectActive();
  }

  /** Enters what the instance lacks of what the service demands; one that lacks anything is not used. */
  setLacks(candidate: LiveCandidate, lacks: readonly string[]): void {
    candidate.lacks = lacks;
    this.#collectActive();
  }

  #collectActive(): void {
    const isBarred = ({ lacks }: LiveCandidate): boolean => lacks.length > 0;
    this.admitted = this.live.some(isBarred) ? this.live.filter((one) => !isBarred(one)) : this.live;
    const best = AVAILABILITIES.find((one) => this.admitted.some(({ availability }) => availability === one));
    this.active.length = 0;
    for (const candidate of this.live) {
      candidate.isActive = candidate.availability === best && !isBarred(candidate);
      if (candidate.isActive) this.active.push(candidate);
    }
  }
}
