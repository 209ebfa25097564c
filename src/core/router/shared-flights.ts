// What all event loops of a process have in flight at each instance. They decide apart, and each knows its own requests: of a queue that
// four loops made, each would see a quarter, and all would join it at once. Here they count in shared memory: nothing locks, and no
// loop wakes another. For each instance there is a sum, read for each request, and what each loop has of it, to be taken back
// when that loop ends.
//
// An instance is found by a hash of its name, so that there is nothing to agree on when instances come and go. Two that share a place
// look as busy as both together: one of a hundred has such a twin with a chance of 0.04 %, one of 4,096 with 1.6 %.

/** A power of two. Memory is only taken for those that are used. */
const SLOTS = 2 ** 18;

/** The counts as one event loop sees them. */
export class SharedFlights {
  readonly #cells: Int32Array<SharedArrayBuffer>;
  /** The sum, and a cell for each loop. */
  readonly #width: number;
  readonly #loop: number;

  /** `memory`: of `sharedFlightsMemory`, the same for all. `loop`: which of them this one is, from 0 on. */
  constructor(memory: SharedArrayBuffer, loop: number) {
    this.#cells = new Int32Array(memory);
    this.#width = this.#cells.length / SLOTS;
    this.#loop = loop;
  }

  /** Where the instance is counted. */
  slotOf(service: string, key: string): number {
    return (hash(`${service}\n${key}`) % SLOTS) * this.#width;
  }

  /** This loop has so many more in flight there; below 0: fewer. */
  add(slot: number, count: number): void {
    // No other loop writes this one.
    (this.#cells[slot + 1 + this.#loop] as number) += count;
    Atomics.add(this.#cells, slot, count);
  }

  /** What all loops have in flight there. */
  all(slot: number): number {
    // A word is read whole; what `Atomics.load` costs more is a call, for each instance and request.
    return this.#cells[slot] as number;
  }

  /** This loop ended, and what it had in flight with it. */
  clear(): void {
    for (let slot = 0; slot < this.#cells.length; slot += this.#width) {
      const count = this.#cells[slot + 1 + this.#loop] as number;
      if (count !== 0) this.add(slot, -count);
    }
  }
}

/** What `loops` event loops share. */
export function sharedFlightsMemory(loops: number): SharedArrayBuffer {
  return new SharedArrayBuffer(SLOTS * (1 + loops) * Int32Array.BYTES_PER_ELEMENT);
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
