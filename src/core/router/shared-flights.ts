// What all event loops of a process have in flight at each instance. They decide apart, and each knows its own requests: of a queue that
// four loops made, each would see a quarter, and all would join it at once. Here they count in shared memory: nothing locks, and no
// loop wakes another. For each instance there is a cell for each loop, which that loop alone writes; a reader adds them up, once a
// millisecond, or oftener where τ is short. So a loop that is ended in the middle of a request leaves nothing that is wrong once its
// cells are cleared.
//
// An instance is found by a hash of its name, so that there is nothing to agree on when instances come and go. Two that share a place
// look as busy as both together: one of a hundred has such a twin with a chance of 0.04 %, one of 4,096 with 1.6 %. The hash has a key,
// so that no name can be chosen to be the twin of another.

/** A power of two. Memory is only taken for those that are used. */
const SLOTS = 2 ** 18;

/** The prime 2^31 - 1: the hash is a polynomial over its field. */
const PRIME = 2n ** 31n - 1n;

/** The counts as one event loop sees them. */
export class SharedFlights {
  /** A row for each place, and behind them the key. */
  readonly #cells: Int32Array<SharedArrayBuffer>;
  /** A cell for each loop. */
  readonly #width: number;
  readonly #loop: number;
  readonly #key: bigint;

  /** `memory`: of `sharedFlightsMemory`, the same for all. `loop`: which of them this one is, from 0 on. */
  constructor(memory: SharedArrayBuffer, loop: number) {
    this.#cells = new Int32Array(memory);
    this.#width = (this.#cells.length - 1) / SLOTS;
    this.#loop = loop;
    this.#key = BigInt(this.#cells.at(-1) as number);
  }

  /** Where the instance is counted. */
  slotOf(service: string, key: string): number {
    return (hash(`${service}\n${key}`, this.#key) % SLOTS) * this.#width;
  }

  /** This loop has `count` more in flight there; below 0: fewer. */
  add(slot: number, count: number): void {
    (this.#cells[slot + this.#loop] as number) += count;
  }

  /** What all loops have in flight there. */
  all(slot: number): number {
    let sum = 0;
    // A word is read whole; what `Atomics.load` costs more is a call, for each instance.
    for (let cell = slot; cell < slot + this.#width; cell++) sum += this.#cells[cell] as number;
    return sum;
  }

  /** This loop ended, and what it had in flight with it. */
  clear(): void {
    for (let cell = this.#loop; cell < SLOTS * this.#width; cell += this.#width) {
      // Not written where it is 0: that would take memory.
      if (this.#cells[cell] !== 0) this.#cells[cell] = 0;
    }
  }
}

/** What `loops` event loops share. `key`: drawn at random, from 1 to below 2^31 - 1. */
export function sharedFlightsMemory(loops: number, key: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer((SLOTS * loops + 1) * Int32Array.BYTES_PER_ELEMENT);
  new Int32Array(memory)[SLOTS * loops] = key;
  return memory;
}

/** The text as a polynomial, at the point `key`: two texts of n letters agree at fewer than n of the two thousand million points. */
function hash(text: string, key: bigint): number {
  let value = 0n;
  for (let at = 0; at < text.length; at++) value = (value * key + BigInt(text.charCodeAt(at)) + 1n) % PRIME;
  return Number(value);
}
