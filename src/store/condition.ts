// Whether the disk does what it should: reported when that changes, not with each write.

import type { Logger } from '../telemetry/log.ts';
import type { StoreFailure } from './messages.ts';

export interface StoreHealth {
  readonly ok: boolean;
  /** What is wrong; empty when nothing is. */
  readonly reason: string;
}

export interface StoreConditionOptions {
  readonly path: string;
  readonly log: Logger;
  readonly onFailure: (failure: StoreFailure) => void;
  /** Called when the disk begins to fail and when it is well again. */
  readonly onHealth?: (health: StoreHealth) => void;
}

/** `write`: opening and writing. `sync`: putting on the disk what was written. */
export type DiskPart = 'write' | 'sync';

export class StoreCondition {
  readonly #options: StoreConditionOptions;
  /** A part is well when it was well the last time: a write says nothing of a sync that failed. */
  readonly #failures: Record<DiskPart, StoreFailure | null> = { write: null, sync: null };
  #health: StoreHealth = { ok: true, reason: '' };

  constructor(options: StoreConditionOptions) {
    this.#options = options;
  }

  get health(): StoreHealth {
    return this.#health;
  }

  failed(part: DiskPart, failure: StoreFailure): void {
    this.#options.onFailure(failure);
    this.#failures[part] = failure;
    this.#report();
  }

  well(part: DiskPart): void {
    if (this.#failures[part] === null) return;
    this.#failures[part] = null;
    this.#report();
  }

  #report(): void {
    const { write, sync } = this.#failures;
    const reason = (write ?? sync)?.reason ?? '';
    if (reason === this.#health.reason) return;
    const { log, path, onHealth } = this.#options;
    this.#health = { ok: reason === '', reason };
    if (reason === '') log.info({ path }, 'store works again');
    else log.error({ path, reason }, 'store fails, traffic goes on');
    onHealth?.(this.#health);
  }
}
