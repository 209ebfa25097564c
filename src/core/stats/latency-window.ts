// The observations of one instance over the sliding window W: a ring of (time, latency) that grows by doubling up to a
// named maximum and overwrites its oldest sample beyond it.

const SAMPLES_FIRST = 32;

/** Samples an instance keeps at the most: 400 requests per second at W = 10 s; beyond it the youngest 4,096 speak. */
export const SAMPLES_MAX = 4096;

/** Sample 0 is the oldest. A failure is a latency of +Infinity. Times never decrease. */
export class LatencyWindow {
  readonly #windowMs: number;
  #atMs = new Float64Array(SAMPLES_FIRST);
  #latencyMs = new Float64Array(SAMPLES_FIRST);
  #first = 0;
  #mask = SAMPLES_FIRST - 1;
  #size = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Samples held; all are at most W old as of the last `push` or `expire`. */
  get size(): number {
    return this.#size;
  }

  /** Samples of the last W at `nowMs`; changes nothing. */
  sizeAt(nowMs: number): number {
    let expired = 0;
    while (expired < this.#size && nowMs - this.atMs(expired) > this.#windowMs) expired++;
    return this.#size - expired;
  }

  /** When sample `i` was observed. */
  atMs(i: number): number {
    return this.#atMs[(this.#first + i) & this.#mask] ?? Number.NaN;
  }

  latencyMs(i: number): number {
    return this.#latencyMs[(this.#first + i) & this.#mask] ?? Number.NaN;
  }

  /** Takes in an observation made at `atMs`, not before the last one. */
  push(atMs: number, latencyMs: number): void {
    this.expire(atMs);
    if (this.#size > this.#mask) {
      if (this.#size < SAMPLES_MAX) this.#grow();
      else this.#dropOldest();
    }
    const slot = (this.#first + this.#size) & this.#mask;
    this.#atMs[slot] = atMs;
    this.#latencyMs[slot] = latencyMs;
    this.#size++;
  }

  /** Drops what is older than W. */
  expire(nowMs: number): void {
    while (this.#size > 0 && nowMs - this.atMs(0) > this.#windowMs) this.#dropOldest();
  }

  clear(): void {
    this.#first = 0;
    this.#size = 0;
  }

  #dropOldest(): void {
    this.#first = (this.#first + 1) & this.#mask;
    this.#size--;
  }

  #grow(): void {
    const capacity = this.#atMs.length * 2;
    const atMs = new Float64Array(capacity);
    const latencyMs = new Float64Array(capacity);
    for (let i = 0; i < this.#size; i++) {
      atMs[i] = this.atMs(i);
      latencyMs[i] = this.latencyMs(i);
    }
    this.#atMs = atMs;
    this.#latencyMs = latencyMs;
    this.#first = 0;
    this.#mask = capacity - 1;
  }
}
