// The baselines of the multi-objective paper: each looks at one thing alone, and believes the profiles.

import type { Candidate, RequestInfo } from '../../domain.ts';
import { meanOf, ofGroup, type Profile } from '../../profile.ts';
import { BasePolicy } from '../base-policy.ts';
import { definePolicy } from '../definition.ts';
import { Least } from '../least.ts';
import type { PolicyContext } from '../policy.ts';
import { ProfileTable } from './profile-table.ts';

/** What a request costs at an instance; NaN where the profile does not say: the most. */
type Cost = (profile: Profile, candidate: Candidate, group: number) => number;

/** A baseline of `multi-objective`: always the instance with the least energy. */
export const LOWEST_ENERGY = definePolicy({
  about: 'always the instance that is profiled with the least energy',
  picks: 'takes the instance with the least energy, one of equals by lot',
  options: {},
  create: (_values, context) => new LeastCost('lowest-energy', ({ energyMwh }) => meanOf(energyMwh), context),
});

/** A baseline of `multi-objective`: always the instance with the least time. */
export const LOWEST_TIME = definePolicy({
  about: 'the least of requests in flight × profiled inference time',
  picks: 'takes the least of requests in flight × inference time, one of equals by lot',
  options: {},
  create: (_values, context) =>
    new LeastCost(
      'lowest-time',
      ({ inferenceMs }, { inFlight }, group) => inFlight * ofGroup(inferenceMs, group),
      context,
    ),
});

/** A baseline of `multi-objective`: always the instance with the highest accuracy. */
export const HIGHEST_ACCURACY = definePolicy({
  about: 'always the instance that is profiled with the highest accuracy',
  picks: 'takes the instance with the highest accuracy, one of equals by lot',
  options: {},
  create: (_values, context) => new LeastCost('highest-accuracy', ({ accuracy }) => -meanOf(accuracy), context),
});

class LeastCost extends BasePolicy {
  readonly name: string;
  readonly #cost: Cost;
  readonly #context: PolicyContext;
  readonly #least: Least;
  readonly #profiles = new ProfileTable();

  constructor(name: string, cost: Cost, context: PolicyContext) {
    super();
    this.name = name;
    this.#cost = cost;
    this.#context = context;
    this.#least = new Least(context.rng);
  }

  /** Ties at random. */
  select(request: RequestInfo, candidates: readonly Candidate[], _nowMs: number): Candidate | null {
    const group = this.#context.groups.of(request.clientId);
    const least = this.#least;
    least.begin();
    for (const candidate of candidates) {
      const cost = this.#cost(this.#profiles.of(candidate), candidate, group);
      least.offer(candidate, Number.isNaN(cost) ? Number.MAX_VALUE : cost);
    }
    return least.picked;
  }

  override update(candidates: readonly Candidate[], nowMs: number): void {
    super.update(candidates, nowMs);
    // The same instance may come with another profile.
    for (const candidate of candidates) this.#profiles.set(candidate);
  }
}
