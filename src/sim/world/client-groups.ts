// Which group each client's requests belong to as time goes on: a scene stays as it is for a while, then another one comes.

import type { Rng } from '../../core/rng.ts';
import { exponential } from '../random.ts';

/** How a client's requests fall into groups. */
export interface GroupsSpec {
  /** Share of each group in the time; they need not add up to 1. */
  readonly shares: readonly number[];
  /** How long a scene lasts on average, ms (exponential). */
  readonly holdMs: number;
}

/** The scenes in front of one client. */
export class ClientGroups {
  readonly #rng: Rng;
  readonly #spec: GroupsSpec;
  #group: number;
  #untilMs = 0;

  constructor(rng: Rng, spec: GroupsSpec) {
    this.#rng = rng;
    this.#spec = spec;
    this.#group = this.#draw();
    this.#untilMs = exponential(rng, spec.holdMs);
  }

  /** At a time that is never before the last one asked for. */
  at(nowMs: number): number {
    while (nowMs >= this.#untilMs) {
      this.#group = this.#draw();
      this.#untilMs += exponential(this.#rng, this.#spec.holdMs);
    }
    return this.#group;
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
