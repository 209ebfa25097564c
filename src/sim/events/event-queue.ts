// What happens next: a binary heap over typed arrays, so that a simulated request costs no allocation. An event is a time and
// one integer: the kind and the receiver; popping hands both back through fields.

const CAPACITY_INITIAL = 1024;

export interface EventQueue {
  /** Events that wait. */
  readonly size: number;
  /** When the earliest is; +Infinity when none waits. */
  readonly nextMs: number;
  /** `code` is any int32. O(log n). Of events at the same time, any may come first, but the same one in every run. */
  push(timeMs: number, code: number): void;
  /** Takes the earliest event into `timeMs` and `code`; false when there is none. O(log n). */
  pop(): boolean;
  /** Time of the event popped last. */
  readonly timeMs: number;
  readonly code: number;
}

/** An empty queue; it grows as needed. */
export function createEventQueue(): EventQueue {
  return new BinaryHeap();
}

class BinaryHeap implements EventQueue {
  size = 0;
  timeMs = 0;
  code = 0;
  #times = new Float64Array(CAPACITY_INITIAL);
  #codes = new Int32Array(CAPACITY_INITIAL);

  get nextMs(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] as number);
  }

  push(timeMs: number, code: number): void {
    if (this.size === this.#times.length) this.#grow();
    const times = this.#times;
    const codes = this.#codes;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const parentTime = times[parent] as number;
      if (parentTime <= timeMs) break;
      times[at] = parentTime;
      codes[at] = codes[parent] as number;
      at = parent;
    }
    times[at] = timeMs;
    codes[at] = code;
  }

  pop(): boolean {
    if (this.size === 0) return false;
    this.timeMs = this.#times[0] as number;
    this.code = this.#codes[0] as number;
    this.size--;
    if (this.size > 0) this.#sink();
    return true;
  }

  /** The last event takes the free place at the top and sinks to where it belongs. */
  #sink(): void {
    const times = this.#times;
    const codes = this.#codes;
    const size = this.size;
    const timeMs = times[size] as number;
    const code = codes[size] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && (times[child + 1] as number) < (times[child] as number)) child++;
      const childTime = times[child] as number;
      if (childTime >= timeMs) break;
      times[at] = childTime;
      codes[at] = codes[child] as number;
      at = child;
    }
    times[at] = timeMs;
    codes[at] = code;
  }

  #grow(): void {
    const times = new Float64Array(this.#times.length * 2);
    times.set(this.#times);
    const codes = new Int32Array(this.#codes.length * 2);
    codes.set(this.#codes);
    this.#times = times;
    this.#codes = codes;
  }
}
