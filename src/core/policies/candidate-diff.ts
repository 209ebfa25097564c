// Which instance holds which handle, and what changed since the last look. A policy keeps its state by handle; the diff says
// whose state ends and whose begins. Linear in the number of candidates, without sets: placement may change often.

import type { Candidate } from '../domain.ts';

export interface CandidateChange {
  /** Handles whose candidate is gone, or is another one now. */
  readonly left: readonly number[];
  /** Candidates that were not there before. */
  readonly joined: readonly Candidate[];
}

/** What changed between two sets of candidates. */
export class CandidateDiff {
  readonly #known: (Candidate | undefined)[] = [];
  /** The look at which each handle was last seen taken. */
  readonly #seenAt: number[] = [];
  #look = 0;

  /** Takes note of all that live and returns what changed. */
  sync(candidates: readonly Candidate[]): CandidateChange {
    this.#look++;
    const left: number[] = [];
    const joined: Candidate[] = [];
    for (const candidate of candidates) {
      const { handle } = candidate;
      const before = this.#known[handle];
      this.#seenAt[handle] = this.#look;
      if (before === candidate) continue;
      if (before !== undefined) left.push(handle);
      joined.push(candidate);
    }
    for (let handle = 0; handle < this.#known.length; handle++) {
      if (this.#known[handle] === undefined || this.#seenAt[handle] === this.#look) continue;
      left.push(handle);
      this.#known[handle] = undefined;
    }
    for (const candidate of joined) this.#known[candidate.handle] = candidate;
    return { left, joined };
  }

  /** All that live, by handle. */
  *[Symbol.iterator](): Iterator<Candidate> {
    for (const candidate of this.#known) if (candidate !== undefined) yield candidate;
  }
}
