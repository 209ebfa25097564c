// A neighbour that is ignored is an event once, however many event loops ignore it and however often it is believed and wrong again.

import type { RouterEvent } from '../../core/service-router.ts';

/** It is an event again once the neighbour was not ignored for this long. */
const FORGOTTEN_MS = 600_000;
/** More are not remembered; the longest known is forgotten first. */
const REMEMBERED_MAX = 1_024;

/** Decides which events of a service are worth a record. */
export class IgnoredNeighbours {
  /** When each neighbour was ignored last, by service, node and the instance that it was wrong about; the latest last. */
  readonly #ignoredMs = new Map<string, number>();

  /** False: the same neighbour was ignored for the same reason lately. */
  isNews(service: string, event: RouterEvent, nowMs: number): boolean {
    if (event.kind !== 'neighbour-ignored') return true;
    const id = JSON.stringify([service, event.nodeId, event.key]);
    const beforeMs = this.#ignoredMs.get(id) ?? Number.NEGATIVE_INFINITY;
    this.#ignoredMs.delete(id);
    this.#ignoredMs.set(id, nowMs);
    const [oldest] = this.#ignoredMs.keys();
    if (oldest !== undefined && this.#ignoredMs.size > REMEMBERED_MAX) this.#ignoredMs.delete(oldest);
    return nowMs - beforeMs > FORGOTTEN_MS;
  }
}
