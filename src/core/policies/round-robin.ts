// Each instance in turn, blind to distance and load: what a Kubernetes NodePort service comes down to.

import type { Candidate, RequestInfo } from '../domain.ts';
import type { Rng } from '../rng.ts';
import { BasePolicy } from './base-policy.ts';
import { definePolicy } from './definition.ts';

/** Range of the random start. */
const TURNS = 2 ** 20;

export const ROUND_ROBIN = definePolicy({
  about: 'each instance in turn, as Kubernetes NodePort does',
  options: {},
  create: (_values, { rng }) => new RoundRobin(rng),
});

class RoundRobin extends BasePolicy {
  readonly name = 'round-robin';
  #turn: number;

  constructor(rng: Rng) {
    super();
    // Load balancers that started together would go round in step and hit the same instance all at once.
    this.#turn = Math.floor(rng.next() * TURNS);
  }

  select(_request: RequestInfo, candidates: readonly Candidate[], _nowMs: number): Candidate | null {
    this.#turn = (this.#turn + 1) % candidates.length;
    return candidates[this.#turn] ?? null;
  }

  preview(_request: RequestInfo, candidates: readonly Candidate[], _nowMs: number): Candidate | null {
    return candidates[(this.#turn + 1) % candidates.length] ?? null;
  }
}
