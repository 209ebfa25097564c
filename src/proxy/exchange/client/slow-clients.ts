// Requests that wait for their clients: to send the rest of a body, or to take an answer. As long as there is room they may
// take their time. When there is none, the one whose client is furthest behind makes way for a request that waits.

import type { Candidate } from '../../../core/domain.ts';

/** A request that may have to make way because its client is slow. */
export interface SlowClient {
  /** How far its client is behind what is expected of it, ms; -Infinity where it is not the client that is waited for. */
  lagMs(nowMs: number): number;
  /** Where it was sent; null before. */
  readonly candidate: Candidate | null;
  /** Ends at once, and gives back every place that it has. */
  makeWay(): void;
}

/** Less than a kilobyte a second is no way to send a body. */
const BODY_BYTES_PER_MS_MIN = 1;
/** A client that does not take its answer gets this much before it counts as behind: a network may pause for a while. */
const ANSWER_MS_MIN = 5_000;
/** A client that is less far behind makes way for no other. */
const LAG_MS_MIN = 200;
/** The pause after a look that found no request to end. */
const LOOK_MS = 50;

/** Requests that wait for their clients; one a service. */
export class SlowClients {
  readonly #all = new Set<SlowClient>();
  #lookedMs = Number.NEGATIVE_INFINITY;

  add(client: SlowClient): void {
    this.#all.add(client);
  }

  delete(client: SlowClient): void {
    this.#all.delete(client);
  }

  /** Whether one would make way. */
  couldMakeRoom(nowMs: number): boolean {
    return this.#slowest(nowMs, null) !== null;
  }

  /** Ends one that is behind, of those at `candidate` where that is given. True when one made way. */
  makeRoom(nowMs: number, candidate: Candidate | null = null): boolean {
    const slowest = this.#slowest(nowMs, candidate);
    slowest?.makeWay();
    return slowest !== null;
  }

  #slowest(nowMs: number, candidate: Candidate | null): SlowClient | null {
    if (this.#all.size === 0 || nowMs - this.#lookedMs < LOOK_MS) return null;
    let slowest: SlowClient | null = null;
    let lagMs = LAG_MS_MIN;
    for (const one of this.#all) {
      if (candidate !== null && one.candidate !== candidate) continue;
      const ownMs = one.lagMs(nowMs);
      if (ownMs < lagMs) continue;
      slowest = one;
      lagMs = ownMs;
    }
    if (slowest === null) this.#lookedMs = nowMs;
    return slowest;
  }
}

/** How far a client is behind that has sent `bytes` of its body and kept the exchange waiting for `waitedMs`. */
export function bodyLagMs(waitedMs: number, bytes: number): number {
  return waitedMs - bytes / BODY_BYTES_PER_MS_MIN;
}

/** The same for a client that has taken nothing of its answer for `waitingMs`. */
export function answerLagMs(waitingMs: number): number {
  return waitingMs - ANSWER_MS_MIN;
}
