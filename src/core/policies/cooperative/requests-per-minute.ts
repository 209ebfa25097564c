// Requests over a sliding minute, in 60 buckets of a second.

const BUCKETS = 60;
const BUCKET_MS = 1000;
const MINUTE_MS = BUCKETS * BUCKET_MS;
/** Less than this is too little to extrapolate a minute from. */
const SPAN_MS_MIN = 2000;

export class RequestsPerMinute {
  readonly #counts = new Uint32Array(BUCKETS);
  #startedMs = Number.NaN;
  #epoch = 0;
  #total = 0;

  record(nowMs: number): void {
    if (Number.isNaN(this.#startedMs)) this.#startedMs = nowMs;
    this.#advance(nowMs);
    const at = this.#epoch % BUCKETS;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#total++;
  }

  /** Requests of the last minute; a younger count is taken for a part of one. */
  at(nowMs: number): number {
    if (Number.isNaN(this.#startedMs)) return 0;
    this.#advance(nowMs);
    // The bucket of this very second has only begun.
    const coveredMs = MINUTE_MS - BUCKET_MS + (nowMs - this.#epoch * BUCKET_MS);
    const spanMs = Math.min(coveredMs, Math.max(SPAN_MS_MIN, nowMs - this.#startedMs));
    return (this.#total * MINUTE_MS) / spanMs;
  }

  #advance(nowMs: number): void {
    const epoch = Math.floor(nowMs / BUCKET_MS);
    const passed = Math.min(BUCKETS, epoch - this.#epoch);
    for (let i = 0; i < passed; i++) {
      const at = (epoch - i) % BUCKETS;
      this.#total -= this.#counts[at] as number;
      this.#counts[at] = 0;
    }
    if (epoch > this.#epoch) this.#epoch = epoch;
  }
}
