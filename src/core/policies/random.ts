// Any instance, all alike: the baseline that needs no knowledge. It is what kube-proxy does in its iptables mode.

import type { Candidate, RequestInfo } from '../domain.ts';
import type { Rng } from '../rng.ts';
import { BasePolicy } from './base-policy.ts';
import { definePolicy } from './definition.ts';

export const RANDOM = definePolicy({
  about: 'any instance, all alike',
  options: {},
  create: (_values, { rng }) => new Random(rng),
});

class Random extends BasePolicy {
  readonly name = 'random';
  readonly #rng: Rng;

  constructor(rng: Rng) {
    super();
    this.#rng = rng;
  }

  select(_request: RequestInfo, candidates: readonly Candidate[], _nowMs: number): Candidate | null {
    return candidates[Math.floor(this.#rng.next() * candidates.length)] ?? null;
  }
}
