// Which of the active instances a request is offered: made once for all requests that are due alike, and again when it may be other.

import { type Candidate, GROUPS_MAX } from '../domain.ts';
import type { FitTable } from './fit-table.ts';
import type { MeanLatency } from './mean-latency.ts';
import { SHARES_MAX } from './requirements.ts';

const GROUPS_BITS = Math.log2(GROUPS_MAX);

/** What a request is due to, as a number below `SELECTIONS`: shares, a bit each, and its group. */
export function selectionOf(due: number, group: number): number {
  return (due << GROUPS_BITS) | group;
}

/** Selections below this number offer all instances, one for each group. */
const ALL_OFFERED = GROUPS_MAX;
const SELECTIONS = (1 << SHARES_MAX) * GROUPS_MAX;

export class Selections {
  readonly #fits: FitTable;
  readonly #latency: MeanLatency;
  readonly #shares: number;
  #active: readonly Candidate[] = [];
  /** The selections made, and whether each still holds; indexed by what is due. */
  readonly #made: Candidate[][] = [];
  readonly #holds = new Uint8Array(SELECTIONS);
  /** The selection that is not kept: after a failed attempt, and for clients that are to get the quick instances. */
  readonly #once: Candidate[] = [];

  readonly #allShares: number;
  /** Whether instances of a share are kept from requests that are not due to it: where the policy names its shares. */
  #isExact = false;
  /** What an instance may take in the selection that is being made, ms, … */
  #quickMs = Number.POSITIVE_INFINITY;
  /** … and the group that it is for. */
  #group = 0;

  /** `shares` is the number of attribute shares. */
  constructor(fits: FitTable, latency: MeanLatency, shares: number) {
    this.#fits = fits;
    this.#latency = latency;
    this.#shares = shares;
    this.#allShares = (1 << shares) - 1;
  }

  /** Whether the policy says what it wants the shares to be. */
  setExact(isExact: boolean): void {
    if (isExact === this.#isExact) return;
    this.#isExact = isExact;
    this.#holds.fill(0);
  }

  /** Takes in that the instances changed. `active` is the same array for the router's whole life. */
  update(active: readonly Candidate[]): void {
    this.#active = active;
    this.#holds.fill(0);
  }

  /** Returns the selected `candidates`, in order; all where no share is due. Valid until the next call. */
  of<C extends Candidate>(candidates: readonly C[], selection: number): readonly C[] {
    if (selection < ALL_OFFERED && !this.#isExact) return candidates;
    this.#quickMs = Number.POSITIVE_INFINITY;
    if (candidates !== this.#active) return this.#select(this.#once as C[], candidates, selection);
    const made = (this.#made[selection] ?? this.#begin(selection)) as C[];
    if (this.#holds[selection] === 1) return made;
    this.#holds[selection] = 1;
    return this.#select(made, candidates, selection);
  }

  /** Selects among the quick ones alone, which goes before the shares, when the next answer may take `allowanceMs`. */
  quickOf<C extends Candidate>(candidates: readonly C[], selection: number, allowanceMs: number): readonly C[] {
    this.#quickMs = this.#latency.quickMs(candidates, allowanceMs);
    return this.#select(this.#once as C[], candidates, selection);
  }

  #begin(at: number): Candidate[] {
    const made: Candidate[] = [];
    this.#made[at] = made;
    return made;
  }

  /** Selects those that are quick enough and serve as many of the due shares as any such instance. */
  #select<C extends Candidate>(into: C[], candidates: readonly C[], selection: number): readonly C[] {
    this.#group = selection % GROUPS_MAX;
    const due = selection >> GROUPS_BITS;
    let wanted = 0;
    // The first ones go before the later.
    for (let k = 0; k < this.#shares; k++) {
      const more = wanted | (due & (1 << k));
      if (more !== wanted && this.#anyServes(candidates, more)) wanted = more;
    }
    into.length = 0;
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i] as C;
      if (this.#serves(candidate, wanted)) into.push(candidate);
    }
    if (this.#isExact) this.#leaveOut(into, this.#allShares & ~due);
    return into;
  }

  #serves({ handle }: Candidate, wanted: number): boolean {
    return this.#latency.isQuick(handle, this.#quickMs) && (this.#fits.bits(handle, this.#group) & wanted) === wanted;
  }

  #anyServes(candidates: readonly Candidate[], wanted: number): boolean {
    for (let i = 0; i < candidates.length; i++) if (this.#serves(candidates[i] as Candidate, wanted)) return true;
    return false;
  }

  /** Leaves out those that serve a share that is not due, the least important first, while any are left. */
  #leaveOut(selected: Candidate[], undue: number): void {
    for (let k = this.#shares - 1; k >= 0; k--) {
      const bit = undue & (1 << k);
      if (bit === 0) continue;
      let kept = 0;
      for (let i = 0; i < selected.length; i++) {
        const candidate = selected[i] as Candidate;
        if ((this.#fits.bits(candidate.handle, this.#group) & bit) === 0) selected[kept++] = candidate;
      }
      // None is left where all serve it: nothing was moved then.
      if (kept > 0) selected.length = kept;
    }
  }
}
