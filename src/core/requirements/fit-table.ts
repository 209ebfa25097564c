// Which instances serve which attribute share, for which group of requests, and what a request costs there: by handle, so that it
// is a look at an array on the way of a request.

import { type Candidate, GROUPS_MAX } from '../domain.ts';
import { ofGroup, type Profile, readProfile } from '../profile.ts';
import { grownFloat64 } from '../stats/grown.ts';
import { fits } from './attributes.ts';
import type { AttributeShare, Objective } from './requirements.ts';

export class FitTable {
  readonly #shares: readonly AttributeShare[];
  readonly #objective: Objective | null;
  /** A bit for each share, by handle and group. */
  #bits: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** What a request of the group costs there; NaN where it is not known. By handle and group. */
  #expense: Float64Array<ArrayBuffer> = new Float64Array(0);

  constructor(shares: readonly AttributeShare[], objective: Objective | null) {
    this.#shares = shares;
    this.#objective = objective;
  }

  /** A candidate joined, or is known better. */
  set({ handle, instance, local }: Candidate): void {
    const profile = readProfile(instance.profile);
    this.#bits = grownFloat64(this.#bits, (handle + 1) * GROUPS_MAX);
    this.#expense = grownFloat64(this.#expense, (handle + 1) * GROUPS_MAX, Number.NaN);
    for (let group = 0; group < GROUPS_MAX; group++) {
      let bits = 0;
      for (const [k, share] of this.#shares.entries()) {
        if (fits({ instance, local, profile }, share, group)) bits |= 1 << k;
      }
      this.#bits[handle * GROUPS_MAX + group] = bits;
      this.#expense[handle * GROUPS_MAX + group] = ofGroup(this.#spent(profile), group);
    }
  }

  /** The shares that the instance serves, a bit each; 0 for no instance. */
  bits(handle: number, group: number): number {
    return this.#bits[handle * GROUPS_MAX + group] ?? 0;
  }

  /** What a request of the group costs there; NaN where it is not known. */
  expense(handle: number, group: number): number {
    return this.#expense[handle * GROUPS_MAX + group] ?? Number.NaN;
  }

  #spent({ energyMwh, cost }: Profile): readonly number[] | null {
    if (this.#objective === null) return null;
    return this.#objective.least === 'energy' ? energyMwh : cost;
  }
}
