// Who is there: the live instances by key, by handle and by availability. Handles are small and dense; one is free again
// only when `release` says that everybody has seen its instance leave.

import type { Availability, Instance, InstanceKey } from '../domain.ts';
import { LiveCandidate } from './live-candidate.ts';

export class CandidateSet {
  /** Every live instance, in order of arrival. */
  readonly live: LiveCandidate[] = [];
  /** Those with availability `up`. */
  readonly up: LiveCandidate[] = [];
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

  /** Those of one availability whose handle is not in `tried`. The array is valid until the next call. */
  untried(availability: Availability, tried: readonly number[]): readonly LiveCandidate[] {
    const untried = this.#untried;
    untried.length = 0;
    for (const candidate of this.live) {
      if (candidate.availability === availability && !tried.includes(candidate.handle)) untried.push(candidate);
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
    this.up.push(candidate);
    return candidate;
  }

  /** Takes an instance out; its handle stays reserved until `release`. */
  remove(candidate: LiveCandidate): void {
    this.#byKey.delete(candidate.key);
    this.#byHandle[candidate.handle] = undefined;
    this.live.splice(this.live.indexOf(candidate), 1);
    this.#collectUp();
  }

  release(handle: number): void {
    this.#freeHandles.push(handle);
  }

  setAvailability(candidate: LiveCandidate, availability: Availability): void {
    candidate.availability = availability;
    this.#collectUp();
  }

  #collectUp(): void {
    this.up.length = 0;
    for (const candidate of this.live) if (candidate.availability === 'up') this.up.push(candidate);
  }
}
