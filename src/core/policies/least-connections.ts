// The instance with the fewest of this load balancer's own requests in flight, ties at random (nginx `least_conn`,
// HAProxy `leastconn`). Slow instances hold their requests longer and so get fewer. A stream counts until its end, though it is
// judged by its beginning.

import type { Candidate, RequestInfo } from '../domain.ts';
import type { Rng } from '../rng.ts';
import { BasePolicy } from './base-policy.ts';
import { definePolicy } from './definition.ts';

export const LEAST_CONNECTIONS = definePolicy({
  about: 'the fewest own requests in flight',
  options: {},
  create: (_values, { rng }) => new LeastConnections(rng),
});

class LeastConnections extends BasePolicy {
  readonly name = 'least-connections';
  readonly #rng: Rng;

  constructor(rng: Rng) {
    super();
    this.#rng = rng;
  }

  select(_request: RequestInfo, candidates: readonly Candidate[], _nowMs: number): Candidate | null {
    let picked: Candidate | null = null;
    let least = Number.POSITIVE_INFINITY;
    let ties = 0;
    for (const candidate of candidates) {
      const open = candidate.inFlight + candidate.streams;
      if (open > least) continue;
      ties = open < least ? 1 : ties + 1;
      least = open;
      // The k-th of equals replaces the one picked so far with probability 1/k: each ends up equally likely.
      if (ties === 1 || this.#rng.next() * ties < 1) picked = candidate;
    }
    return picked;
  }
}
