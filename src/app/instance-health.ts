// Two say whether an instance takes traffic: placement (its node was lost, it left) and active health checks. The worse of
// the two counts, and each may change its mind without the other being asked again.

import type { Availability, InstanceKey, PlacementUpdate } from '../core/domain.ts';

export class InstanceHealth {
  /** What placement last said of an instance, where it said anything but `up`. */
  readonly #placed = new Map<string, Availability>();
  readonly #unhealthy = new Set<string>();

  /** The update as the router is to hear it: an instance that fails its checks does not come up because placement says so. */
  placement(service: string, update: PlacementUpdate): PlacementUpdate {
    if (update.kind === 'instance-set') return update;
    const id = idOf(service, update.key);
    if (update.kind === 'instance-removed') {
      this.#placed.delete(id);
      this.#unhealthy.delete(id);
      return update;
    }
    if (update.availability === 'up') this.#placed.delete(id);
    else this.#placed.set(id, update.availability);
    const held = update.availability === 'up' && this.#unhealthy.has(id);
    return held ? { ...update, availability: 'suspect' } : update;
  }

  /** What the router is to hear of a health check that changed its mind. */
  checked(service: string, key: InstanceKey, healthy: boolean): PlacementUpdate {
    const id = idOf(service, key);
    if (healthy) this.#unhealthy.delete(id);
    else this.#unhealthy.add(id);
    const placed = this.#placed.get(id) ?? 'up';
    const availability = placed === 'up' && !healthy ? 'suspect' : placed;
    return { kind: 'instance-availability', key, availability };
  }
}

function idOf(service: string, key: InstanceKey): string {
  return `${service}/${key}`;
}
