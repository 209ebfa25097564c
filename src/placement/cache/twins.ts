// Instances that two sources know by two names: the same service at the same address and port. Routed to as two, one machine
// would get two shares. The more trusted source has it, as long as it claims it; of the broker and the configuration alone,
// each name stands for itself, as it always did.

import { isDiscovered, type Place, RANKS, type Slot } from './records.ts';

export class Twins {
  /** By service, address and port: the slots whose claim says that they listen there. */
  readonly #slots = new Map<string, Set<Slot>>();

  /** Takes note of where the slot listens now, and returns the others whose standing may have changed by that. */
  place(slot: Slot, place: Place | null): readonly Slot[] {
    const before = slot.place;
    if (before?.instance === place?.instance && before?.source === place?.source) return [];
    const left = before === null ? [] : this.#leave(slot, before);
    slot.place = place;
    if (place === null) return left;
    const id = idOf(place);
    const there = this.#slots.get(id);
    if (there === undefined) {
      this.#slots.set(id, new Set([slot]));
      return left;
    }
    const met = [...there].filter((other) => other !== slot && !left.includes(other));
    there.add(slot);
    return [...left, ...met];
  }

  /** Whether a more trusted source knows what listens there by another name. */
  hides({ place }: Slot): boolean {
    if (place === null) return false;
    for (const other of this.#slots.get(idOf(place)) ?? []) {
      if (other.place !== null && isBehind(place, other.place)) return true;
    }
    return false;
  }

  #leave(slot: Slot, place: Place): readonly Slot[] {
    const id = idOf(place);
    const there = this.#slots.get(id);
    if (there === undefined) return [];
    there.delete(slot);
    if (there.size === 0) this.#slots.delete(id);
    return [...there];
  }
}

const isBehind = (one: Place, other: Place): boolean =>
  RANKS[other.source] < RANKS[one.source] && (isDiscovered(one.source) || isDiscovered(other.source));

const idOf = ({ instance: { service, host, port } }: Place): string => `${service}\n${host}\n${port}`;
