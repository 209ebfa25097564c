// A load balancer under the oracle: it sends by the weights that it is given.

import type { AttemptResult, Candidate, Instance, PlacementUpdate } from '../../core/domain.ts';
import { instanceKey } from '../../core/domain.ts';
import type { RouterSnapshot, RouteTier } from '../../core/service-router.ts';
import type { DrivenRouter } from '../balancers.ts';
import { instanceOf, SERVICE } from '../world/instance.ts';
import type { World } from '../world/world.ts';

/** How much of whose requests each instance gets. */
export interface Allocation {
  /** Requests per second of a load balancer to each instance, as of now; what it refuses stands last. */
  shares(balancer: number, nowMs: number): Float64Array;
}

/** Smooth weighted round robin over the allocation; it learns nothing, for it knows. */
export class OracleRouter implements DrivenRouter {
  readonly nextTickMs = Number.POSITIVE_INFINITY;
  readonly candidates: readonly Candidate[];
  readonly #allocation: Allocation;
  readonly #balancer: number;
  readonly #credits: Float64Array;
  readonly neighbours = null;
  lastTier: RouteTier = 'policy';

  constructor(allocation: Allocation, world: World, balancer: number) {
    this.#allocation = allocation;
    this.#balancer = balancer;
    this.candidates = world.instances.map((_, handle) => candidateOf(handle, instanceOf(world, handle)));
    this.#credits = new Float64Array(world.instances.length + 1);
  }

  route(request: { readonly tried: readonly number[] }, nowMs: number): Candidate | null {
    const shares = this.#allocation.shares(this.#balancer, nowMs);
    const credits = this.#credits;
    // What was taken in once is not refused at its second attempt.
    const places = request.tried.length === 0 ? shares.length : shares.length - 1;
    let best = -1;
    let total = 0;
    for (let n = 0; n < places; n++) {
      const share = shares[n] as number;
      if (share === 0) credits[n] = 0;
      if (share === 0 || request.tried.includes(n)) continue;
      total += share;
      credits[n] = (credits[n] as number) + share;
      if (best < 0 || (credits[n] as number) > (credits[best] as number)) best = n;
    }
    if (best >= 0) credits[best] = (credits[best] as number) - total;
    this.lastTier = best === shares.length - 1 ? 'shed' : 'policy';
    return this.candidates[best] ?? null;
  }

  start(): number {
    return 0;
  }
  finish(): AttemptResult {
    return 'answered';
  }
  recordRequest(): void {}

  observeGroup(): void {}
  applyPlacement(_update: PlacementUpdate): void {}
  observeRtt(): void {}
  aim(): void {}
  tick(): void {}
  snapshot(): RouterSnapshot {
    return { version: 1, service: SERVICE, fingerprint: 'oracle', rtts: {}, policy: null, clients: null };
  }
  restore(): void {}
}

function candidateOf(handle: number, instance: Instance): Candidate {
  return {
    handle,
    key: instanceKey(instance),
    instance,
    local: false,
    rttMs: 0,
    rttKnown: true,
    availability: 'up',
    isActive: true,
    lacks: [],
    ejected: false,
    inFlight: 0,
    streams: 0,
    oldestStartMs: Number.POSITIVE_INFINITY,
  };
}
