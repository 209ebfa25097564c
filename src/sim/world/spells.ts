// Something that is busy and silent in turns, each for a random time: a client, or a neighbour on the same processor.

import type { Rng } from '../../core/rng.ts';
import { exponential } from '../random.ts';

/** Mean length of what is on and of what is off, ms. */
export interface SpellsSpec {
  /** Mean times; `idleMs` 0: it is always busy. */
  readonly busyMs: number;
  readonly idleMs: number;
}

/** Turns something on and off at random times. */
export class Spells {
  readonly #rng: Rng;
  readonly #spec: SpellsSpec;
  #busyUntilMs: number;

  constructor(rng: Rng, spec: SpellsSpec, fromMs: number) {
    this.#rng = rng;
    this.#spec = spec;
    this.#busyUntilMs = fromMs + exponential(rng, spec.busyMs);
  }

  /** What was to happen at `atMs` happens then, or when it is busy again. Never before what was returned last. */
  after(atMs: number): number {
    const { busyMs, idleMs } = this.#spec;
    if (idleMs === 0) return atMs;
    let nextMs = atMs;
    while (nextMs >= this.#busyUntilMs) {
      const silentMs = exponential(this.#rng, idleMs);
      nextMs = Math.max(nextMs, this.#busyUntilMs + silentMs);
      this.#busyUntilMs += silentMs + exponential(this.#rng, busyMs);
    }
    return nextMs;
  }
}

/** Share of the time in which it is busy. */
export function busyRatio({ busyMs, idleMs }: SpellsSpec): number {
  return idleMs === 0 ? 1 : busyMs / (busyMs + idleMs);
}
