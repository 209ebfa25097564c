// Which instances serve which attribute share, for which group of requests, and what a request costs there: by handle, so that it
// is a look at an array on the way of a request.

import { type Candidate, GROUPS_MAX, type Instance } from '../domain.ts';
import { ofGroup, type Profile, readProfile } from '../profile.ts';
import { grownFloat64 } from '../stats/grown.ts';
import { type Facts, fits } from './attributes.ts';
import type { AttributeShare, Objective } from './requirements.ts';

export class FitTable {
  readonly #shares: readonly AttributeShare[];
  readonly #objective: Objective | null;
  /** The shares that an instance serves, a bit each, indexed by handle and group. */
  #bits = new Uint8Array(0);
  /** What a request costs there; NaN where it is not known. Indexed by handle and group. */
  #expense: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** What is known of each handle was taken from this; a change brings another one. */
  readonly #known: (Instance | undefined)[] = [];

  constructor(shares: readonly AttributeShare[], objective: Objective | null) {
    this.#shares = shares;
    this.#objective = objective;
  }

  /** Takes in a candidate that joined or may be known better; returns whether anything changed. */
  set({ handle, instance, local }: Candidate): boolean {
    if (this.#known[handle] === instance) return false;
    this.#known[handle] = instance;
    this.#ensureHandles(handle + 1);
    const profile = readProfile(instance.profile);
    const facts = { instance, local, profile };
    const spent = this.#spent(profile);
    const unlike = Math.max(1, profile.accuracy?.length ?? 0);
    for (let group = 0; group < GROUPS_MAX; group++) {
      const at = handle * GROUPS_MAX + group;
      this.#bits[at] = group < unlike ? this.#bitsOf(facts, group) : (this.#bits[at - 1] as number);
      this.#expense[at] = ofGroup(spent, group);
    }
    return true;
  }

  /** The shares that the instance serves, a bit each; 0 for no instance. */
  bits(handle: number, group: number): number {
    return this.#bits[handle * GROUPS_MAX + group] ?? 0;
  }

  /** What a request of the group costs there; NaN where it is not known. */
  expense(handle: number, group: number): number {
    return this.#expense[handle * GROUPS_MAX + group] ?? Number.NaN;
  }

  #ensureHandles(handles: number): void {
    this.#expense = grownFloat64(this.#expense, handles * GROUPS_MAX, Number.NaN);
    if (this.#bits.length === this.#expense.length) return;
    const longer = new Uint8Array(this.#expense.length);
    longer.set(this.#bits);
    this.#bits = longer;
  }

  #bitsOf(facts: Facts, group: number): number {
    let bits = 0;
    for (const [k, share] of this.#shares.entries()) if (fits(facts, share, group)) bits |= 1 << k;
    return bits;
  }

  #spent({ energyMwh, cost }: Profile): readonly number[] | null {
    if (this.#objective === null) return null;
    return this.#objective.least === 'energy' ? energyMwh : cost;
  }
}
