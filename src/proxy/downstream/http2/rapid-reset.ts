// Requests that a client begins and resets at once cost it nothing, and us an attempt each. Some are in order: a page is left, a call
// is given up. A client that does nothing else gets ENHANCE_YOUR_CALM, and is cut off.

/** Resets that a connection may have at once, and then each second. */
const BURST = 1000;
const PER_MS = 33 / 1000;

export class RapidReset {
  #allowed = BURST;
  #lookedMs = 0;

  /** One more stream was reset by the client, or because of it. True: that is too many. */
  count(nowMs: number): boolean {
    this.#allowed = Math.min(BURST, this.#allowed + (nowMs - this.#lookedMs) * PER_MS) - 1;
    this.#lookedMs = nowMs;
    return this.#allowed < 0;
  }
}
