// Each instance in turn, blind to distance and load: what a Kubernetes NodePort service comes down to.

import type { Candidate, RequestInfo } from '../domain.ts';
import { BasePolicy } from './base-policy.ts';
import { definePolicy } from './definition.ts';

export const ROUND_ROBIN = definePolicy({
  about: 'each instance in turn, as Kubernetes NodePort does',
  options: {},
  create: () => new RoundRobin(),
});

class RoundRobin extends BasePolicy {
  readonly name = 'round-robin';
  #turn = 0;

  select(_request: RequestInfo, candidates: readonly Candidate[], _nowMs: number): Candidate | null {
    this.#turn = (this.#turn + 1) % candidates.length;
    return candidates[this.#turn] ?? null;
  }

  preview(_request: RequestInfo, candidates: readonly Candidate[], _nowMs: number): Candidate | null {
    return candidates[(this.#turn + 1) % candidates.length] ?? null;
  }
}
