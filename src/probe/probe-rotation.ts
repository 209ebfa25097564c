// Whose turn it is to be probed, and when. One round visits every node once and takes the interval, so probes are
// spread evenly instead of coming in bursts; with more nodes than the rate allows, the round gets longer, never the
// rate higher. Pure: time and randomness are arguments.

import type { Rng } from '../core/rng.ts';

export interface ProbeRotationOptions {
  /** Time of one round when the budget allows it, ms. */
  readonly intervalMs: number;
  /** Budget over all nodes. */
  readonly ratePerSecondMax: number;
  readonly rng: Rng;
}

/** Probes of one node are this share early or late, so that qedges do not fall into step (RFC 8085, 3.1.3). */
const JITTER_RATIO = 0.2;

export class ProbeRotation {
  readonly #options: ProbeRotationOptions;
  /** In the order of their turns; keys only, a Map because any of them may be taken out. */
  readonly #round = new Map<string, true>();
  /** New nodes: before all others, since nothing is known of them. */
  readonly #urgent = new Map<string, true>();
  #lastMs = Number.NEGATIVE_INFINITY;
  #gapMs = 0;

  constructor(options: ProbeRotationOptions) {
    this.#options = options;
  }

  /** A node that joins, or whose address changed, is next in line. */
  add(nodeId: string): void {
    this.#round.delete(nodeId);
    this.#urgent.set(nodeId, true);
  }

  remove(nodeId: string): void {
    this.#round.delete(nodeId);
    this.#urgent.delete(nodeId);
  }

  get size(): number {
    return this.#round.size + this.#urgent.size;
  }

  /** When the next probe is due; +Infinity without nodes, -Infinity before the first. */
  get nextMs(): number {
    if (this.size === 0) return Number.POSITIVE_INFINITY;
    return this.#lastMs + (this.#urgent.size > 0 ? this.#gapMsMin : this.#gapMs);
  }

  /** Whose turn it is; null when no probe is due yet. */
  take(nowMs: number): string | null {
    if (this.nextMs > nowMs) return null;
    const queue = this.#urgent.size > 0 ? this.#urgent : this.#round;
    const first = queue.keys().next();
    if (first.done) return null;
    queue.delete(first.value);
    this.#round.set(first.value, true);
    this.#lastMs = nowMs;
    const jitter = 1 + JITTER_RATIO * (2 * this.#options.rng.next() - 1);
    this.#gapMs = Math.max(this.#gapMsMin, (this.#options.intervalMs / this.size) * jitter);
    return first.value;
  }

  get #gapMsMin(): number {
    return 1000 / this.#options.ratePerSecondMax;
  }
}
