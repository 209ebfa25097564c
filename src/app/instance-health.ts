// Three say whether an instance takes traffic: placement (its node was lost, it left), active health checks, and whoever
// operates it. The worst of the three counts, and each may change its mind without the others being asked again.

import type { Availability, InstanceKey, PlacementUpdate } from '../core/domain.ts';

export class InstanceHealth {
  /** What placement last said of an instance, where it said anything but `up`. */
  readonly #placed = new Map<string, Availability>();
  readonly #unhealthy = new Set<string>();
  /** Stay so while the instance is away: it is drained to be taken down, most often. */
  readonly #drained = new Set<string>();

  /** The update as the router is to hear it: what others hold back does not come up because placement says so. */
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
    return { ...update, availability: this.availability(service, update.key) };
  }

  /** A health check changed its mind. */
  checked(service: string, key: InstanceKey, healthy: boolean): void {
    const id = idOf(service, key);
    if (healthy) this.#unhealthy.delete(id);
    else this.#unhealthy.add(id);
  }

  /** Somebody drains the instance, or takes that back. */
  drained(service: string, key: InstanceKey, on: boolean): void {
    const id = idOf(service, key);
    if (on) this.#drained.add(id);
    else this.#drained.delete(id);
  }

  availability(service: string, key: InstanceKey): Availability {
    const id = idOf(service, key);
    if (this.#drained.has(id)) return 'draining';
    return this.#placed.get(id) ?? (this.#unhealthy.has(id) ? 'suspect' : 'up');
  }
}

function idOf(service: string, key: InstanceKey): string {
  return `${service}/${key}`;
}
