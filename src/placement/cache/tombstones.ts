// Instances that the informer has removed for good. MQTT may deliver a message again (3.1.1, section 4.4), and a RUNNING
// of the life that has ended must not raise the dead; a new ADDED does, and so does time, since names are used again.

import { type InstanceName, idOf } from '../messages/instance-name.ts';

/** How long a message of the old life may be on its way, ms: a publisher's reconnect and redelivery. */
const TOMBSTONE_MS = 10_000;
const TOMBSTONES_MAX = 4_096;

export class Tombstones {
  readonly #buriedAtMs = new Map<string, number>();

  bury(name: InstanceName, nowMs: number): void {
    const oldest = this.#buriedAtMs.keys().next();
    if (this.#buriedAtMs.size >= TOMBSTONES_MAX && !oldest.done) this.#buriedAtMs.delete(oldest.value);
    this.raise(name);
    this.#buriedAtMs.set(idOf(name), nowMs);
  }

  raise(name: InstanceName): void {
    this.#buriedAtMs.delete(idOf(name));
  }

  has(name: InstanceName, nowMs: number): boolean {
    const atMs = this.#buriedAtMs.get(idOf(name));
    return atMs !== undefined && nowMs - atMs < TOMBSTONE_MS;
  }
}
