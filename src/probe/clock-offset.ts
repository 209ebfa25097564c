// Whether the clock of another node agrees with this one's, by what its answers to probes say: half of a round trip lies between
// its reading and ours, so that one answer may be off by as much, and the median of a few is taken.

/** Clocks that differ by no more agree, ms. */
const AGREED_MS = 5;
const SAMPLES = 5;

/** The offset of the clock of one other node. */
export class ClockOffset {
  readonly #onChange: (agrees: boolean) => void;
  readonly #samples: number[] = [];
  #agrees = false;
  #ended = false;

  /** `onChange`: it agrees from now on, or does no more. */
  constructor(onChange: (agrees: boolean) => void) {
    this.#onChange = onChange;
  }

  /** `aheadMs`: by how much the other clock is ahead, as one answer says. */
  add(aheadMs: number): void {
    if (this.#ended) return;
    if (this.#samples.push(aheadMs) > SAMPLES) this.#samples.shift();
    const sorted = [...this.#samples].sort((a, b) => a - b);
    this.#set(Math.abs(sorted[Math.floor(sorted.length / 2)] as number) <= AGREED_MS);
  }

  /** Another machine answers from now on, or none: what this one's last answers say is of no effect. */
  end(): void {
    this.#ended = true;
    this.#set(false);
  }

  #set(agrees: boolean): void {
    if (agrees !== this.#agrees) this.#onChange(agrees);
    this.#agrees = agrees;
  }
}
