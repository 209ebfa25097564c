// Keeps the names of a configuration resolved, outside of every request: each is asked for when it is first named and
// again before its answer is out of date. What was found last holds until something else is found.

import { isIP } from 'node:net';
import { isLocalhost, type Resolution } from './address-book.ts';
import { createNameLookup, type NameLookup } from './name-lookup.ts';

export interface ResolverOptions {
  /** What is known of a name changed; null: it is not kept any more. */
  readonly onResolution: (name: string, resolution: Resolution | null) => void;
  /** A name cannot be resolved (again, where it was before), or can again. Only changes are reported. */
  readonly onTrouble: (name: string, reason: string | null) => void;
  readonly lookup?: NameLookup;
}

/** A name that is kept, as the API shows it. */
export interface NameState {
  readonly name: string;
  readonly addresses: readonly string[];
  /** Why the last look-up failed; null when it did not. */
  readonly failure: string | null;
}

interface Entry {
  readonly name: string;
  addresses: readonly string[];
  failure: string | null;
  failures: number;
  timer: NodeJS.Timeout | null;
}

/** Where no time to live is said, ms. */
const TTL_MS_DEFAULT = 30_000;
const TTL_MS_MIN = 5_000;
const TTL_MS_MAX = 300_000;
/** An answer is renewed when this share of its time is over: the look-up itself takes a while. */
const AHEAD_RATIO = 0.8;
/** After a failure, ms: doubled with each further one. */
const AGAIN_MS = 5_000;
const AGAIN_MS_MAX = 60_000;

/** Keeps the addresses of the configured names fresh, outside of requests; asks again before they are stale. */
export class NameResolver {
  readonly #options: ResolverOptions;
  readonly #lookup: NameLookup;
  readonly #entries = new Map<string, Entry>();

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#lookup = options.lookup ?? createNameLookup();
  }

  /** Keeps exactly these resolved from now on. Addresses, and names for the loopback, need no keeping. */
  watch(hosts: Iterable<string>): void {
    const names = new Set([...hosts].filter((host) => isIP(host) === 0 && !isLocalhost(host)));
    for (const [name, entry] of this.#entries) if (!names.has(name)) this.#drop(entry);
    for (const name of names) if (!this.#entries.has(name)) this.#add(name);
  }

  stop(): void {
    for (const entry of [...this.#entries.values()]) this.#drop(entry);
  }

  state(): readonly NameState[] {
    return [...this.#entries.values()].map(({ name, addresses, failure }) => ({ name, addresses, failure }));
  }

  #add(name: string): void {
    const entry: Entry = { name, addresses: [], failure: null, failures: 0, timer: null };
    this.#entries.set(name, entry);
    this.#options.onResolution(name, { kind: 'pending' });
    void this.#resolve(entry);
  }

  #drop(entry: Entry): void {
    if (entry.timer !== null) clearTimeout(entry.timer);
    this.#entries.delete(entry.name);
    this.#options.onResolution(entry.name, null);
  }

  async #resolve(entry: Entry): Promise<void> {
    entry.timer = null;
    let againMs: number;
    try {
      const { addresses, ttlMs } = await this.#lookup(entry.name);
      if (!this.#keeps(entry)) return;
      this.#found(entry, addresses);
      againMs = AHEAD_RATIO * Math.min(TTL_MS_MAX, Math.max(TTL_MS_MIN, ttlMs ?? TTL_MS_DEFAULT));
    } catch (error) {
      if (!this.#keeps(entry)) return;
      this.#missed(entry, error instanceof Error ? error.message : String(error));
      againMs = Math.min(AGAIN_MS_MAX, AGAIN_MS * 2 ** (entry.failures - 1));
    }
    entry.timer = setTimeout(() => void this.#resolve(entry), againMs).unref();
  }

  #found(entry: Entry, addresses: readonly string[]): void {
    if (entry.failure !== null) this.#options.onTrouble(entry.name, null);
    const changed = addresses.join() !== entry.addresses.join();
    entry.addresses = addresses;
    entry.failure = null;
    entry.failures = 0;
    if (changed) this.#options.onResolution(entry.name, { kind: 'known', addresses });
  }

  #missed(entry: Entry, reason: string): void {
    if (entry.failure === null) this.#options.onTrouble(entry.name, reason);
    entry.failure = reason;
    entry.failures++;
    if (entry.addresses.length === 0) this.#options.onResolution(entry.name, { kind: 'failed', reason });
  }

  #keeps(entry: Entry): boolean {
    return this.#entries.get(entry.name) === entry;
  }
}
