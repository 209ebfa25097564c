// A client's own account: the share of its requests that succeeded over the last W (eq. 6 of the paper, at the client).

/** Requests kept at most: 100 a second over a window of 10 s. */
const SAMPLES_MAX = 1_000;

export class SlidingSuccess {
  readonly #windowMs: number;
  readonly #samples: { readonly atMs: number; readonly success: boolean }[] = [];

  /** @param windowMs W, ms, > 0 */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** `nowMs` never goes back. */
  add(success: boolean, nowMs: number): void {
    this.#samples.push({ atMs: nowMs, success });
    const startMs = nowMs - this.#windowMs;
    while (this.#samples.length > SAMPLES_MAX || (this.#samples[0]?.atMs ?? nowMs) <= startMs) this.#samples.shift();
  }

  /** In [0, 1]; null when the window is empty. */
  ratio(nowMs: number): number | null {
    const live = this.#samples.filter(({ atMs }) => atMs > nowMs - this.#windowMs);
    return live.length === 0 ? null : live.filter(({ success }) => success).length / live.length;
  }
}
