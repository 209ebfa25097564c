// Which of the active instances a request is offered: made once for all requests that are due alike, and again when it may be other.

import { type Candidate, GROUPS_MAX } from '../domain.ts';
import type { FitTable } from './fit-table.ts';
import type { MeanLatency } from './mean-latency.ts';
import { SHARES_MAX } from './requirements.ts';

const GROUPS_BITS = Math.log2(GROUPS_MAX);

/**
 * What a request is due to, as a number below `SELECTIONS`: shares, a bit each; whether its client is above the mean latency that it is to
 * get, which goes before the shares; and its group.
 */
export function selectionOf(due: number, isHigh: boolean, group: number): number {
  return (((due << 1) | (isHigh ? 1 : 0)) << GROUPS_BITS) | group;
}

/** Below: all are offered, for each group. */
const ALL_OFFERED = GROUPS_MAX;
const SELECTIONS = (2 << SHARES_MAX) * GROUPS_MAX;
const NEVER = -1;

export class Selections {
  readonly #fits: FitTable;
  readonly #latency: MeanLatency;
  readonly #shares: number;
  #active: readonly Candidate[] = [];
  /** By what is due: the selection, and as of which version it was made. */
  readonly #made: Candidate[][] = [];
  readonly #madeAt = new Float64Array(SELECTIONS).fill(NEVER);
  /** For those that are not the active ones alone, as after a failed attempt. */
  readonly #once: Candidate[] = [];

  readonly #allShares: number;
  /** A share that a request is not due to is for others: where the policy says how much it wants them to have. */
  #isExact = false;

  /** `shares`: how many there are. */
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
    this.#madeAt.fill(NEVER);
  }

  /** The instances are other than they were. `active`: one array for as long as the router is there. */
  update(active: readonly Candidate[]): void {
    this.#active = active;
    this.#madeAt.fill(NEVER);
  }

  /** Those of `candidates` that the selection stands for, in their order; all where none in particular is due. Valid until the next call. */
  of<C extends Candidate>(candidates: readonly C[], selection: number): readonly C[] {
    if (selection < ALL_OFFERED && !this.#isExact) return candidates;
    if (candidates !== this.#active) return this.#select(this.#once as C[], candidates, selection);
    const made = (this.#made[selection] ?? this.#begin(selection)) as C[];
    if (this.#madeAt[selection] === this.#latency.version) return made;
    this.#madeAt[selection] = this.#latency.version;
    return this.#select(made, candidates, selection);
  }

  #begin(at: number): Candidate[] {
    const made: Candidate[] = [];
    this.#made[at] = made;
    return made;
  }

  /** The quick ones where the client is high, all where none is quick; of them, those that serve as many of the due shares as any does. */
  #select<C extends Candidate>(into: C[], candidates: readonly C[], selection: number): readonly C[] {
    const group = selection % GROUPS_MAX;
    const due = selection >> (GROUPS_BITS + 1);
    const isHigh = ((selection >> GROUPS_BITS) & 1) === 1;
    const mustBeQuick = isHigh && candidates.some(({ handle }) => this.#latency.isQuick(handle));
    const serves = ({ handle }: Candidate, wanted: number): boolean =>
      (!mustBeQuick || this.#latency.isQuick(handle)) && (this.#fits.bits(handle, group) & wanted) === wanted;
    let wanted = 0;
    // The first ones go before the later.
    for (let k = 0; k < this.#shares; k++) {
      const more = wanted | (due & (1 << k));
      if (more !== wanted && candidates.some((one) => serves(one, more))) wanted = more;
    }
    into.length = 0;
    for (const candidate of candidates) if (serves(candidate, wanted)) into.push(candidate);
    if (this.#isExact) this.#leaveOut(into, { undue: this.#allShares & ~due, group });
    return into;
  }

  /** The ones, among those selected, that serve no share that is not due, as far as there are any; the least important share first. */
  #leaveOut(selected: Candidate[], { undue, group }: { readonly undue: number; readonly group: number }): void {
    for (let k = this.#shares - 1; k >= 0; k--) {
      const bit = undue & (1 << k);
      const isFor = ({ handle }: Candidate): boolean => (this.#fits.bits(handle, group) & bit) === 0;
      if (bit === 0 || !selected.some(isFor)) continue;
      let kept = 0;
      for (const candidate of selected) if (isFor(candidate)) selected[kept++] = candidate;
      selected.length = kept;
    }
  }
}
