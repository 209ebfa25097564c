// What is subscribed to, kept true over reconnects, and the snapshot of the broker's memory that each new subscription
// brings: it is complete when the broker has granted it and no retained message has come for a while.
//
// Deviation: native topics are published at QoS 1 but read at QoS 0. Brokers queue what QoS 1 has in flight, and cut
// the queue: Mosquitto's default drops all but the first 1,020 retained messages of a wildcard, silently. At QoS 0 TCP's
// own flow control bounds them and all arrive; what a broken connection loses, the next snapshot brings.

import type { SyncScope } from '../cache/claims.ts';
import type { PlacementCache } from '../cache/placement-cache.ts';
import type { BrokerConnection } from './connection.ts';

/** One thing to subscribe to, and what of the cache its retained messages show. */
export interface Interest {
  readonly filter: string;
  readonly qos: 0 | 1;
  readonly shows:
    | { readonly kind: 'nodes' }
    | { readonly kind: 'service'; readonly service: string }
    | { readonly kind: 'node-service'; readonly nodeId: string; readonly service: string }
    /** Events, or topics of our own: nothing to compare the cache with. */
    | { readonly kind: 'nothing' };
}

export interface SubscriptionsOptions {
  readonly connection: BrokerConnection;
  readonly cache: PlacementCache;
  readonly nowMs: () => number;
  /** A snapshot was compared with the cache. */
  readonly onSynced: () => void;
}

/** Changes within this time go out as one packet, ms. */
const FLUSH_MS = 20;
/** No retained message for this long: the broker has sent them all, ms. */
const QUIET_MS = 2_000;
/** Filters in one SUBSCRIBE packet: far below the 64 KiB that small brokers take. */
const FILTERS_PER_PACKET_MAX = 100;

interface Sync {
  readonly since: number;
  readonly interests: readonly Interest[];
}

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #wanted = new Map<string, Interest>();
  readonly #active = new Set<string>();
  /** Granted, and waiting for the retained messages to end. */
  #syncing: Sync[] = [];
  #everSynced = false;
  #flushTimer: NodeJS.Timeout | null = null;
  #quietTimer: NodeJS.Timeout | null = null;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  want(interest: Interest): void {
    this.#wanted.set(interest.filter, interest);
    this.#flushSoon();
  }

  leave(filter: string): void {
    if (this.#wanted.delete(filter)) this.#flushSoon();
  }

  /** Filters that the broker was asked for on this connection. */
  get activeCount(): number {
    return this.#active.size;
  }

  /** The broker's memory was seen as a whole, once at least. */
  get synced(): boolean {
    return this.#everSynced;
  }

  /** Everything is subscribed to again, also in a session that was kept: only that brings the retained messages. */
  connected({ sessionPresent }: { readonly sessionPresent: boolean }): void {
    this.#syncing = [];
    const stale = [...this.#active].filter((filter) => !this.#wanted.has(filter));
    if (sessionPresent && stale.length > 0) this.#options.connection.unsubscribe(stale);
    this.#active.clear();
    this.#flush();
  }

  /** Snapshots that were under way are void. */
  disconnected(): void {
    this.#syncing = [];
  }

  /** A retained message came: the snapshots are not complete yet. */
  retainedSeen(): void {
    if (this.#syncing.length > 0) this.#quietTimer?.refresh();
  }

  stop(): void {
    if (this.#flushTimer !== null) clearTimeout(this.#flushTimer);
    if (this.#quietTimer !== null) clearTimeout(this.#quietTimer);
    this.#syncing = [];
  }

  #flushSoon(): void {
    this.#flushTimer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  #flush(): void {
    if (this.#flushTimer !== null) clearTimeout(this.#flushTimer);
    this.#flushTimer = null;
    const { connection } = this.#options;
    if (!connection.connected) return;
    const left = [...this.#active].filter((filter) => !this.#wanted.has(filter));
    for (const filter of left) this.#active.delete(filter);
    for (const filters of chunks(left)) connection.unsubscribe(filters);
    const added = [...this.#wanted.values()].filter(({ filter }) => !this.#active.has(filter));
    if (added.length > 0) void this.#subscribe(added);
  }

  async #subscribe(interests: readonly Interest[]): Promise<void> {
    const { connection, cache } = this.#options;
    const since = cache.presence.beginSync();
    for (const { filter } of interests) this.#active.add(filter);
    const packets = ([0, 1] as const).flatMap((qos) =>
      chunks(interests.filter((interest) => interest.qos === qos).map(({ filter }) => filter)).map((filters) =>
        connection.subscribe(filters, qos),
      ),
    );
    const granted = (await Promise.all(packets)).every(Boolean);
    // Refused or cut off: what did not come then means nothing.
    if (!granted || !connection.connected) return;
    this.#syncing.push({ since, interests });
    if (this.#quietTimer === null) this.#quietTimer = setTimeout(() => this.#endSyncs(), QUIET_MS);
    else this.#quietTimer.refresh();
  }

  #endSyncs(): void {
    const { cache, nowMs, onSynced } = this.#options;
    for (const { since, interests } of this.#syncing) cache.presence.endSync(since, scopeOf(interests), nowMs());
    if (this.#syncing.length > 0) {
      this.#everSynced = true;
      onSynced();
    }
    this.#syncing = [];
  }
}

function scopeOf(interests: readonly Interest[]): SyncScope {
  const services = new Set<string>();
  const pairs = new Set<string>();
  for (const { shows } of interests) {
    if (shows.kind === 'service') services.add(shows.service);
    if (shows.kind === 'node-service') pairs.add(`${shows.nodeId}/${shows.service}`);
  }
  return {
    nodes: interests.some(({ shows }) => shows.kind === 'nodes'),
    covers: (nodeId, service) => services.has(service) || pairs.has(`${nodeId}/${service}`),
  };
}

function chunks(filters: readonly string[]): string[][] {
  const packets: string[][] = [];
  for (let i = 0; i < filters.length; i += FILTERS_PER_PACKET_MAX) {
    packets.push(filters.slice(i, i + FILTERS_PER_PACKET_MAX));
  }
  return packets;
}
