// Instances that two sources know by two names: the same service at the same address and port. Routed to as two, one machine
// would get two shares. The more trusted source has it, as long as it claims it; of the broker and the configuration alone,
// each name stands for itself, as it always did. Thousands may claim one address: only the first and the last of a source matter.

import { isDiscovered, type Place, RANKS, type Slot, SOURCES, type Source } from './records.ts';

interface Address {
  readonly slots: Set<Slot>;
  /** Slots by the source that places them there. */
  readonly counts: Record<Source, number>;
}

export class Twins {
  /** Keyed by service, address and port. */
  readonly #addresses = new Map<string, Address>();

  /** Takes note of where the slot listens now, and returns the others that are hidden or shown by that. */
  place(slot: Slot, place: Place | null): readonly Slot[] {
    const before = slot.place;
    if (before?.instance === place?.instance && before?.source === place?.source) return [];
    slot.place = place;
    const left = before === null ? [] : this.#leave(slot, before);
    return place === null ? left : [...left, ...this.#enter(slot, place)];
  }

  /** Whether a more trusted source knows what listens there by another name. */
  hides({ place }: Slot): boolean {
    const there = place === null ? undefined : this.#addresses.get(idOf(place));
    if (place === null || there === undefined) return false;
    return SOURCES.some((source) => there.counts[source] > 0 && isBehind(place.source, source));
  }

  #enter(slot: Slot, place: Place): readonly Slot[] {
    const id = idOf(place);
    const there = this.#addresses.get(id) ?? { slots: new Set(), counts: noCounts() };
    this.#addresses.set(id, there);
    there.slots.add(slot);
    return ++there.counts[place.source] === 1 ? behind(there, place.source) : [];
  }

  #leave(slot: Slot, place: Place): readonly Slot[] {
    const id = idOf(place);
    const there = this.#addresses.get(id);
    if (there === undefined) return [];
    there.slots.delete(slot);
    if (there.slots.size === 0) this.#addresses.delete(id);
    return --there.counts[place.source] === 0 ? behind(there, place.source) : [];
  }
}

const noCounts = (): Record<Source, number> =>
  Object.fromEntries(SOURCES.map((source) => [source, 0])) as Record<Source, number>;

/** Slots that one of the source hides. */
const behind = ({ slots }: Address, source: Source): Slot[] =>
  [...slots].filter(({ place }) => place !== null && isBehind(place.source, source));

const isBehind = (one: Source, other: Source): boolean =>
  RANKS[other] < RANKS[one] && (isDiscovered(one) || isDiscovered(other));

const idOf = ({ instance: { service, host, port } }: Place): string => `${service}\n${host}\n${port}`;
