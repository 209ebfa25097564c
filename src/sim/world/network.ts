// The way between load balancers and instances: a round trip that the topology gives, what events add to it, and jitter.

import type { Rng } from '../../core/rng.ts';
import { exponential } from '../random.ts';
import type { World } from './world.ts';

/** Round trips as they are now, ms. */
export class Network {
  readonly rng: Rng;
  /** What events added on the way to each instance, ms. */
  readonly #addedMs: Float64Array;
  /** The time until which the uplink of each load balancer stands still, ms. */
  readonly #stalledUntilMs: Float64Array;
  readonly #world: World;
  readonly #jitterMs: number;

  constructor(world: World, jitterMs: number, rng: Rng) {
    this.rng = rng;
    this.#world = world;
    this.#jitterMs = jitterMs;
    this.#stalledUntilMs = new Float64Array(world.balancers.length);
    this.#addedMs = new Float64Array(world.instances.length);
  }

  /** One round trip between a node and an instance, drawn; +Infinity where there is no way. */
  drawRttMs(node: number, instance: number): number {
    const { rttMs, nodes } = this.#world.topology;
    const base = rttMs[node * nodes.length + (this.#world.instances[instance]?.node as number)] as number;
    return base + (this.#addedMs[instance] as number) + exponential(this.rng, this.#jitterMs);
  }

  /** How long what leaves a load balancer now, or comes back to it, has to wait. */
  waitMs(balancer: number, nowMs: number): number {
    return Math.max(0, (this.#stalledUntilMs[balancer] as number) - nowMs);
  }

  stall(balancer: number, untilMs: number): void {
    this.#stalledUntilMs[balancer] = Math.max(untilMs, this.#stalledUntilMs[balancer] as number);
  }

  addDelay(instance: number, addMs: number): void {
    this.#addedMs[instance] = (this.#addedMs[instance] as number) + addMs;
  }
}
