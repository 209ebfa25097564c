// Where the placement cache keeps its records: instances by name, nodes by name, and how many there are of each service.

import { instanceKey } from '../../core/domain.ts';
import { type InstanceName, idOf } from '../messages/instance-name.ts';
import { createHost, type Host, type Slot, SOURCES } from './records.ts';

export class PlacementTable {
  readonly #slots = new Map<string, Slot>();
  readonly #hosts = new Map<string, Host>();
  /** Slots by service. */
  readonly #counts = new Map<string, number>();

  slots(): readonly Slot[] {
    return [...this.#slots.values()];
  }

  hosts(): readonly Host[] {
    return [...this.#hosts.values()];
  }

  get hostCount(): number {
    return this.#hosts.size;
  }

  slot(name: InstanceName): Slot | undefined {
    return this.#slots.get(idOf(name));
  }

  host(nodeId: string): Host | undefined {
    return this.#hosts.get(nodeId);
  }

  /** The slot of an instance, made when there is none; null when its service has `countMax` of them already. */
  addSlot(name: InstanceName, countMax: number): Slot | null {
    const known = this.slot(name);
    if (known !== undefined) return known;
    const count = this.#counts.get(name.service) ?? 0;
    if (count >= countMax) return null;
    this.#counts.set(name.service, count + 1);
    const host = this.addHost(name.nodeId);
    const claims = Object.fromEntries(SOURCES.map((source) => [source, null])) as Slot['claims'];
    const [id, key] = [idOf(name), instanceKey(name)];
    const slot: Slot = { id, key, service: name.service, host, claims, place: null, reported: null };
    this.#slots.set(id, slot);
    host.slots.add(slot);
    return slot;
  }

  addHost(nodeId: string): Host {
    const known = this.#hosts.get(nodeId);
    if (known !== undefined) return known;
    const host = createHost(nodeId);
    this.#hosts.set(nodeId, host);
    return host;
  }

  dropSlot(slot: Slot): void {
    if (!this.#slots.delete(slot.id)) return;
    slot.host.slots.delete(slot);
    const count = (this.#counts.get(slot.service) ?? 1) - 1;
    if (count === 0) this.#counts.delete(slot.service);
    else this.#counts.set(slot.service, count);
  }

  dropHost(host: Host): void {
    this.#hosts.delete(host.nodeId);
  }
}
