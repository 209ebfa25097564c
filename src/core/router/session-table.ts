// Where each session was served last, so that its next request goes there again: for caches that follow a conversation, for
// trackers, for any state that an instance keeps of its client. Bounded: the session that was idle for longest leaves first.

import type { InstanceKey } from '../domain.ts';
import { ownCopy } from '../own-copy.ts';
import type { AffinityState } from '../service-router.ts';

/** About 10 MB at the most, with names of 64 characters. */
const SESSIONS_MAX = 65_536;

interface Home {
  key: InstanceKey;
  lastMs: number;
}

/** The instance that served each session last, for sessions that were not idle for too long. */
export class SessionTable {
  readonly #idleMs: number;
  readonly #sessionsMax: number;
  /** Least recently used first. */
  readonly #homes = new Map<string, Home>();
  #kept = 0;
  #moved = 0;

  /** A session is forgotten after `idleMs` without a request. */
  constructor(idleMs: number, sessionsMax = SESSIONS_MAX) {
    this.#idleMs = idleMs;
    this.#sessionsMax = sessionsMax;
  }

  /** Where the session's last request went; null for a new one. Reading changes nothing. */
  homeOf(session: string, nowMs: number): InstanceKey | null {
    const home = this.#homes.get(session);
    return home === undefined || nowMs - home.lastMs > this.#idleMs ? null : home.key;
  }

  /** A request of the session goes to an instance now. */
  assign(session: string, key: InstanceKey, nowMs: number): void {
    const known = this.homeOf(session, nowMs);
    if (known === key) this.#kept++;
    else if (known !== null) this.#moved++;
    const home = this.#homes.get(session) ?? { key, lastMs: nowMs };
    home.key = key;
    home.lastMs = nowMs;
    this.#homes.delete(session);
    this.#homes.set(ownCopy(session), home);
    this.#forgetIdle(nowMs);
  }

  state(nowMs: number): AffinityState {
    this.#forgetIdle(nowMs);
    return { sessions: this.#homes.size, kept: this.#kept, moved: this.#moved };
  }

  clear(): void {
    this.#homes.clear();
  }

  #forgetIdle(nowMs: number): void {
    for (const [session, { lastMs }] of this.#homes) {
      if (nowMs - lastMs <= this.#idleMs && this.#homes.size <= this.#sessionsMax) return;
      this.#homes.delete(session);
    }
  }
}
