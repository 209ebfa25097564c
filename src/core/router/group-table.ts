// The group of requests that each client's last answer belonged to: the number of objects in the frame, say. The next frame of the
// same video most often shows as many (temporal continuity). Bounded: the client whose last answer is the oldest leaves first.

import { ownCopy } from '../own-copy.ts';

export class GroupTable {
  readonly #clientsMax: number;
  /** Oldest answer first. */
  readonly #groups = new Map<string, number>();

  constructor(clientsMax: number) {
    this.#clientsMax = clientsMax;
  }

  /** Group of the client's next request; 0 where nothing is known. */
  of(clientId: string): number {
    return this.#groups.size === 0 ? 0 : (this.#groups.get(clientId) ?? 0);
  }

  /** An answer to the client belonged to this group. */
  observe(clientId: string, group: number): void {
    this.#groups.delete(clientId);
    this.#groups.set(ownCopy(clientId), group);
    if (this.#groups.size <= this.#clientsMax) return;
    for (const oldest of this.#groups.keys()) {
      this.#groups.delete(oldest);
      return;
    }
  }

  clear(): void {
    this.#groups.clear();
  }
}
