// Which instances have what the requirements ask for, worked out once for a world: for each load balancer and group of requests.

import { GROUPS_MAX } from '../../core/domain.ts';
import { readProfile } from '../../core/profile.ts';
import { fits } from '../../core/requirements/attributes.ts';
import type { Attributes } from '../../core/requirements/requirements.ts';
import { instanceOf } from './instance.ts';
import type { World } from './world.ts';

/** The instances that serve one requirement. */
export class AttributeTable {
  readonly #instances: number;
  /** 1 where it fits: [(load balancer × instances + instance) × groups + group]. */
  readonly #fits: Uint8Array;

  constructor(world: World, wanted: Attributes) {
    const { instances, balancers } = world;
    this.#instances = instances.length;
    this.#fits = new Uint8Array(balancers.length * instances.length * GROUPS_MAX);
    const facts = instances.map((_, i) => ({
      instance: instanceOf(world, i),
      profile: readProfile(instanceOf(world, i).profile),
    }));
    for (const [b, node] of balancers.entries()) {
      for (const [i, { instance, profile }] of facts.entries()) {
        const local = instances[i]?.node === node;
        for (let group = 0; group < GROUPS_MAX; group++) {
          this.#fits[this.#at(b, i, group)] = fits({ instance, local, profile }, wanted, group) ? 1 : 0;
        }
      }
    }
  }

  has(balancer: number, instance: number, group: number): boolean {
    return this.#fits[this.#at(balancer, instance, group)] === 1;
  }

  #at(balancer: number, instance: number, group: number): number {
    return (balancer * this.#instances + instance) * GROUPS_MAX + group;
  }
}
