// What the broker does with this node's own words. They come back, since this node listens to all nodes: if they do not, the
// broker lets it either not write or not read. And if another process speaks in its name, both push each other off the
// broker, or overwrite each other. Pure: time is an argument.

import type { ConnectionEnd } from './connection-end.ts';

/** Evidence of another process is added up over this time, ms: two that fight meet at least every half minute. */
const RIVAL_WINDOW_MS = 120_000;
/** What is enough. A broker that speaks MQTT 3.1.1 closes without a word when it restarts as well. */
const RIVAL_WEIGHT_MIN = 4;
const WEIGHTS = { 'taken-over': 2, overwritten: 3, silent: 1 } as const;
/** What the broker took comes back within this time, ms. */
const ECHO_MS_MAX = 3_000;
const EVIDENCE_MAX = 16;
/** Earlier lives of this node that a broker may remember. */
const EARLIER_MAX = 16;

export class OwnVoice {
  readonly #boot: string;
  readonly #earlier = new Set<string | null>();
  #evidence: { readonly atMs: number; readonly weight: number }[] = [];
  #connection = 0;
  /** The first connection on which this process announced its node; null before. */
  #announcedOn: number | null = null;
  /** When the broker took the announcement that has not come back yet. */
  #awaitedMs: number | null = null;
  #heard = false;
  #overwritten = false;

  constructor(boot: string) {
    this.#boot = boot;
  }

  connected(): void {
    this.#connection++;
    this.#heard = false;
  }

  disconnected(end: ConnectionEnd, nowMs: number): void {
    this.#awaitedMs = null;
    this.#overwritten = false;
    if (end !== 'other') this.#add(WEIGHTS[end], nowMs);
  }

  /** The broker took the announcement of this node. */
  announced(nowMs: number): void {
    this.#announcedOn ??= this.#connection;
    if (!this.#heard) this.#awaitedMs ??= nowMs;
  }

  /**
   * An announcement of this node came. Another process made it where it comes live, or was put where this process had
   * announced on an earlier connection. What was there before that is of an earlier life.
   */
  hears(boot: string | null, { retained, nowMs }: { readonly retained: boolean; readonly nowMs: number }): void {
    if (boot === this.#boot) {
      this.#heard = true;
      this.#awaitedMs = null;
      this.#overwritten = false;
      return;
    }
    const isNew = this.#announcedOn !== null && this.#announcedOn < this.#connection && !this.#earlier.has(boot);
    if (retained && !isNew) {
      if (this.#earlier.size < EARLIER_MAX) this.#earlier.add(boot);
      return;
    }
    this.#overwritten = true;
    this.#add(WEIGHTS.overwritten, nowMs);
  }

  /** Whether another process uses the id of this node. */
  hasRival(nowMs: number): boolean {
    this.#evidence = this.#evidence.filter(({ atMs }) => nowMs - atMs < RIVAL_WINDOW_MS);
    return this.#overwritten || this.#evidence.reduce((sum, { weight }) => sum + weight, 0) >= RIVAL_WEIGHT_MIN;
  }

  /** Whether the broker took what this node says, and passes it on to no one, this node included. */
  isUnheard(nowMs: number): boolean {
    return this.#awaitedMs !== null && nowMs - this.#awaitedMs > ECHO_MS_MAX;
  }

  #add(weight: number, atMs: number): void {
    this.#evidence.push({ atMs, weight });
    if (this.#evidence.length > EVIDENCE_MAX) this.#evidence.shift();
  }
}
