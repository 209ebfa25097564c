// Which group each client's requests belong to as time goes on: a scene stays as it is for a while, then another one comes.

import type { Rng } from '../../core/rng.ts';
import { exponential } from '../random.ts';

/** How a client's requests fall into groups. */
export interface GroupsSpec {
  /** Share of each group in the time; they need not add up to 1. */
  readonly shares: readonly number[];
  /** How long a scene lasts on average, ms (exponential). */
  readonly holdMs: number;
  /**
   * Groups are numbers of objects in a frame, the last one of so many: the group of a client's next request is what the instance that answers
   * counts, not what is there. 0: it is what is there.
   */
  readonly crowd: number;
}

/** The scenes in front of one client. */
export class ClientGroups {
  readonly #rng: Rng;
  /** Random numbers for what is counted: a stream of its own, so that all policies meet the same scenes. */
  readonly #counts: Rng;
  readonly #spec: GroupsSpec;
  #group: number;
  #untilMs = 0;

  constructor(rng: Rng, spec: GroupsSpec, counts: Rng = rng) {
    this.#rng = rng;
    this.#counts = counts;
    this.#spec = spec;
    this.#group = this.#draw();
    this.#untilMs = exponential(rng, spec.holdMs);
  }

  /** Returns the group at a time that is never before the last one asked for. */
  at(nowMs: number): number {
    while (nowMs >= this.#untilMs) {
      this.#group = this.#draw();
      this.#untilMs += exponential(this.#rng, this.#spec.holdMs);
    }
    return this.#group;
  }

  /** The group that a request of this group is taken for by an instance of this accuracy, of 100: the chance to see each of its objects. */
  counted(group: number, accuracy: number): number {
    const { crowd, shares } = this.#spec;
    if (crowd === 0) return group;
    const last = shares.length - 1;
    let seen = 0;
    for (let left = group === last ? crowd : group; left > 0; left--) {
      // NaN where it is not known: nothing is missed.
      if (!(this.#counts.next() * 100 >= accuracy)) seen++;
    }
    return Math.min(last, seen);
  }

  #draw(): number {
    const { shares } = this.#spec;
    let left = this.#rng.next() * shares.reduce((sum, share) => sum + share, 0);
    for (const [group, share] of shares.entries()) {
      left -= share;
      if (left < 0) return group;
    }
    return shares.length - 1;
  }
}
