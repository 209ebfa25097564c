// Four things decide whether an instance takes traffic: placement (its node was lost), active health checks, whether its
// name has an address, and the operator. The worst of the four counts, and each may change without the others.

import type { Availability, InstanceKey } from '../../core/domain.ts';
import type { ControlMessage } from './control-message.ts';

export class InstanceHealth {
  /** What placement last said of an instance, where it said anything but `up`. */
  readonly #placed = new Map<string, Availability>();
  readonly #unhealthy = new Set<string>();
  /** Kept while the instance is away: most often it is drained to be taken down. */
  readonly #drained = new Map<string, { readonly service: string; readonly key: InstanceKey }>();

  /** Placement changed its mind. */
  placed(service: string, key: InstanceKey, availability: Availability): void {
    const id = idOf(service, key);
    if (availability === 'up') this.#placed.delete(id);
    else this.#placed.set(id, availability);
  }

  /** The instance left. */
  removed(service: string, key: InstanceKey): void {
    const id = idOf(service, key);
    this.#placed.delete(id);
    this.#unhealthy.delete(id);
  }

  /** A health check changed its mind. */
  checked(service: string, key: InstanceKey, healthy: boolean): void {
    const id = idOf(service, key);
    if (healthy) this.#unhealthy.delete(id);
    else this.#unhealthy.add(id);
  }

  /** An operator drains the instance, or takes that back. */
  drained(service: string, key: InstanceKey, on: boolean): void {
    const id = idOf(service, key);
    if (on) this.#drained.set(id, { service, key });
    else this.#drained.delete(id);
  }

  /** What is known of an instance, as the messages that say so. */
  catchUpMessages(service: string, key: InstanceKey): ControlMessage[] {
    const id = idOf(service, key);
    const availability = this.#placed.get(id) ?? 'up';
    return [
      { kind: 'placement', service, update: { kind: 'instance-availability', key, availability } },
      { kind: 'health', service, key, healthy: !this.#unhealthy.has(id) },
    ];
  }

  /** Instances that an operator drains, those that are away included. */
  get drainedInstances(): readonly ControlMessage[] {
    return [...this.#drained.values()].map((one) => ({ kind: 'drain-instance', ...one, on: true }));
  }

  /** `resolves`: its host is an address, or a name that has one. */
  availability(service: string, key: InstanceKey, resolves = true): Availability {
    const id = idOf(service, key);
    if (this.#drained.has(id)) return 'draining';
    return this.#placed.get(id) ?? (this.#unhealthy.has(id) || !resolves ? 'suspect' : 'up');
  }
}

function idOf(service: string, key: InstanceKey): string {
  return `${service}/${key}`;
}
