// q20: what an unloaded instance of the service takes to process, as the 20 % quantile of this load balancer's last
// processing latencies over all instances. The low quantile is what congestion does not reach.

const SAMPLES_KEPT = 512;
const SAMPLES_NEEDED = 20;
const QUANTILE = 0.2;

export class UnloadedLatency {
  readonly #ring = new Float64Array(SAMPLES_KEPT);
  readonly #sorted = new Float64Array(SAMPLES_KEPT);
  readonly #assumedMs: number;
  #next = 0;
  #size = 0;
  /** q20 by the last `refresh`; never below 0.1 ms, since others are measured in it. */
  ms: number;

  constructor(assumedMs: number) {
    this.#assumedMs = assumedMs;
    this.ms = assumedMs;
  }

  observe(processingMs: number): void {
    this.#ring[this.#next] = processingMs;
    this.#next = (this.#next + 1) % SAMPLES_KEPT;
    if (this.#size < SAMPLES_KEPT) this.#size++;
  }

  /** Takes the quantile; before there are 20 samples what was assumed or restored stays. */
  refresh(): void {
    if (this.#size < SAMPLES_NEEDED) return;
    const sorted = this.#sorted.subarray(0, this.#size);
    sorted.set(this.#ring.subarray(0, this.#size));
    sorted.sort();
    this.ms = Math.max(0.1, sorted[Math.floor(QUANTILE * (this.#size - 1))] ?? this.#assumedMs);
  }

  restore(ms: number): void {
    this.ms = Math.max(0.1, ms);
  }

  reset(): void {
    this.#next = 0;
    this.#size = 0;
    this.ms = this.#assumedMs;
  }
}
