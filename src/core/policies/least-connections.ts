// The instance with the fewest of this load balancer's own requests in flight, ties at random (nginx `least_conn`,
// HAProxy `leastconn`). Slow instances hold their requests longer and so get fewer. A stream counts until its end, though it is
// judged by its beginning.

import type { Candidate, RequestInfo } from '../domain.ts';
import type { Rng } from '../rng.ts';
import { BasePolicy } from './base-policy.ts';
import { definePolicy } from './definition.ts';
import { Least } from './least.ts';

export const LEAST_CONNECTIONS = definePolicy({
  about: 'the fewest own requests in flight',
  picks: 'takes the instance with the fewest requests in flight, one of equals by lot',
  options: {},
  create: (_values, { rng }) => new LeastConnections(rng),
});

class LeastConnections extends BasePolicy {
  readonly name = 'least-connections';
  readonly #least: Least;

  constructor(rng: Rng) {
    super();
    this.#least = new Least(rng);
  }

  select(_request: RequestInfo, candidates: readonly Candidate[], _nowMs: number): Candidate | null {
    const least = this.#least;
    least.begin();
    for (const candidate of candidates) least.offer(candidate, candidate.inFlight + candidate.streams);
    return least.picked;
  }
}
