import { describe, expect, it } from 'vitest';
import { SharedFlights, sharedFlightsMemory } from '../../../src/core/router/shared-flights.ts';

const NAMES = Array.from({ length: 4_000 }, (_, i) => `node-${i}/detector`);

/** Pairs of names that are counted in one place. */
function twins(flights: SharedFlights): [string, string][] {
  const bySlot = new Map<number, string>();
  return NAMES.flatMap((name) => {
    const slot = flights.slotOf('detect', name);
    const known = bySlot.get(slot);
    bySlot.set(slot, name);
    return known === undefined ? [] : [[known, name] as [string, string]];
  });
}

describe('flights that event loops share', () => {
  it('count two instances apart by one key that they count together by another', () => {
    const one = new SharedFlights(sharedFlightsMemory(1, 123_456_789), 0);
    const other = new SharedFlights(sharedFlightsMemory(1, 987_654_321), 0);
    const pairs = twins(one);
    expect(pairs.length).toBeGreaterThan(0);
    // Of 4,000 names there are some 30 such pairs by any key; of these, the other key joins one in 260,000.
    expect(pairs.length).toBeLessThan(120);
    const joined = pairs.filter(([a, b]) => other.slotOf('detect', a) === other.slotOf('detect', b));
    expect(joined).toEqual([]);
  });

  it('are right again once a loop is cleared, wherever it was ended: it wrote one cell alone', () => {
    const memory = sharedFlightsMemory(3, 1_000_003);
    const loops = [0, 1, 2].map((loop) => new SharedFlights(memory, loop));
    const slots = NAMES.map((name) => loops[0]?.slotOf('detect', name) ?? 0);
    const before = new Int32Array(memory).slice();
    loops[1]?.add(slots[0] ?? 0, 5);
    const written = new Int32Array(memory).filter((cell, at) => cell !== before[at]);
    expect(written.length).toBe(1);
    loops[2]?.add(slots[0] ?? 0, 2);
    expect(loops[0]?.all(slots[0] ?? 0)).toBe(7);
    loops[1]?.clear();
    expect(loops[0]?.all(slots[0] ?? 0)).toBe(2);
  });
});
