// Which instances are in play: all of them while they are few; else the nearest and some random others, so that
// estimates stay fresh and load balancers differ. Every few seconds the weakest makes room for one not in play.

import type { Candidate } from '../../domain.ts';
import type { Rng } from '../../rng.ts';

export interface SubsetOptions {
  readonly candidatesMax: number;
  readonly nearest: number;
  readonly rotationMs: number;
}

export class CandidateSubset {
  readonly #options: SubsetOptions;
  readonly #rng: Rng;
  #nextRotationMs = Number.NEGATIVE_INFINITY;

  constructor(options: SubsetOptions, rng: Rng) {
    this.#options = options;
    this.#rng = rng;
  }

  /** The members out of all: those nearest, then as many of the present members as fit, then random others. */
  choose(all: readonly Candidate[], present: readonly Candidate[]): Candidate[] {
    const { candidatesMax } = this.#options;
    if (all.length <= candidatesMax) return [...all];
    const members = new Set(this.#nearest(all));
    const eligible = new Set(all);
    for (const candidate of present)
      if (members.size < candidatesMax && eligible.has(candidate)) members.add(candidate);
    const others = all.filter((candidate) => !members.has(candidate));
    while (members.size < candidatesMax) members.add(this.#takeRandom(others));
    return [...members];
  }

  /**
   * The members with their weakest swapped for a random one that is not in play; the same array when it is not
   * time, everybody is in play, or nobody but the nearest is weak (`isWeak`).
   */
  rotate(
    all: readonly Candidate[],
    members: readonly Candidate[],
    at: { readonly nowMs: number; readonly isWeak: (candidate: Candidate) => boolean },
  ): readonly Candidate[] {
    if (at.nowMs < this.#nextRotationMs) return members;
    this.#nextRotationMs = at.nowMs + this.#options.rotationMs;
    const activeSet = new Set(members);
    const outside = all.filter((candidate) => !activeSet.has(candidate));
    if (outside.length === 0) return members;
    const nearest = new Set(this.#nearest(all));
    const weak = members.filter((candidate) => !nearest.has(candidate) && at.isWeak(candidate));
    if (weak.length === 0) return members;
    const leaver = this.#takeRandom(weak);
    return [...members.filter((candidate) => candidate !== leaver), this.#takeRandom(outside)];
  }

  /** The nearest, nearest first: by insertion, since they are few and the others may be thousands. */
  #nearest(all: readonly Candidate[]): Candidate[] {
    const count = Math.min(this.#options.nearest, this.#options.candidatesMax);
    const nearest: Candidate[] = [];
    for (const candidate of all) {
      const last = nearest.at(-1);
      if (nearest.length >= count && (last === undefined || candidate.rttMs >= last.rttMs)) continue;
      const at = nearest.findIndex((other) => candidate.rttMs < other.rttMs);
      nearest.splice(at < 0 ? nearest.length : at, 0, candidate);
      if (nearest.length > count) nearest.pop();
    }
    return nearest;
  }

  #takeRandom(from: Candidate[]): Candidate {
    const [taken] = from.splice(Math.floor(this.#rng.next() * from.length), 1);
    if (taken === undefined) throw new Error('assertion failed: nobody to take');
    return taken;
  }
}
