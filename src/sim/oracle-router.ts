// A load balancer under the oracle: it sends by the weights that it is given.

import type { Candidate, PlacementUpdate } from '../core/domain.ts';
import { instanceKey } from '../core/domain.ts';
import type { RouterSnapshot } from '../core/service-router.ts';
import { type DrivenRouter, instanceOf, SERVICE } from './balancers.ts';
import type { World } from './world.ts';

/** Who gets how much of whose requests. */
export interface Allocation {
  /** Instances that a load balancer may send to. */
  instances(balancer: number): readonly number[];
  /** Its weights over `instances(balancer)`, as of now. */
  weights(balancer: number, nowMs: number): Float64Array;
  /** Grows with every new allocation. */
  readonly version: number;
}

/** Smooth weighted round robin over the allocation; it learns nothing, for it knows. */
export class OracleRouter implements DrivenRouter {
  readonly nextTickMs = Number.POSITIVE_INFINITY;
  readonly candidates: readonly Candidate[];
  readonly #allocation: Allocation;
  readonly #balancer: number;
  readonly #credits: Float64Array;
  #version = -1;

  constructor(allocation: Allocation, world: World, balancer: number) {
    this.#allocation = allocation;
    this.#balancer = balancer;
    this.candidates = world.instances.map(({ id, node }, handle) =>
      candidateOf(handle, id, world.topology.nodes[node] as string),
    );
    this.#credits = new Float64Array(allocation.instances(balancer).length);
  }

  route(request: { readonly tried: readonly number[] }, nowMs: number): Candidate | null {
    const weights = this.#allocation.weights(this.#balancer, nowMs);
    const instances = this.#allocation.instances(this.#balancer);
    if (this.#version !== this.#allocation.version) {
      this.#version = this.#allocation.version;
      this.#credits.fill(0);
    }
    let best = -1;
    let total = 0;
    for (let n = 0; n < weights.length; n++) {
      if (request.tried.includes(instances[n] as number)) continue;
      const weight = weights[n] as number;
      total += weight;
      this.#credits[n] = (this.#credits[n] as number) + weight;
      if (best < 0 || (this.#credits[n] as number) > (this.#credits[best] as number)) best = n;
    }
    if (best < 0) return null;
    this.#credits[best] = (this.#credits[best] as number) - total;
    return this.candidates[instances[best] as number] ?? null;
  }

  start(): number {
    return 0;
  }
  finish(): void {}
  settle(): void {}
  applyPlacement(_update: PlacementUpdate): void {}
  observeRtt(): void {}
  tick(): void {}
  snapshot(): RouterSnapshot {
    return { version: 1, service: SERVICE, fingerprint: 'oracle', rtts: {}, policy: null, clients: null };
  }
  restore(): void {}
}

function candidateOf(handle: number, id: string, nodeId: string): Candidate {
  const instance = instanceOf({ id, nodeId, port: 1 + handle });
  return {
    handle,
    key: instanceKey(instance),
    instance,
    local: false,
    rttMs: 0,
    rttKnown: true,
    availability: 'up',
    inFlight: 0,
    oldestStartMs: Number.POSITIVE_INFINITY,
  };
}
