// What other nodes said over multicast DNS, for as long as it holds: a cache of records (RFC 6762, section 10), bounded as a whole
// and for each sender. Pure: time is an argument.

import type { DnsRecord, RecordData } from '../../../net/dns/message.ts';
import { SERVICE_TYPE } from './service-record.ts';

/** An instance whose records are all there. */
export interface Neighbour {
  /** Its name in DNS. */
  readonly name: string;
  readonly texts: readonly string[];
  readonly host: string;
  readonly port: number;
}

/** Names that are remembered, and those of one sender. */
const NAMES_MAX = 8_192;
const NAMES_OF_ONE_MAX = 1_024;
/** Addresses of a host that are remembered. */
const ADDRESSES_MAX = 8;
/** Nothing is believed for longer, s: what never says goodbye is forgotten. */
const TTL_SECONDS_MAX = 4_500;
/** RFC 6762, section 10.1: what says goodbye may be said again at once. */
const GOODBYE_MS = 1_000;
/** RFC 6762, section 5.2: shares of its time after which a record is asked for again. */
const REFRESH_SHARES = [0.8, 0.85, 0.9, 0.95];
/** What is missing of an instance is asked for after this, ms, and then ever later. */
const MISSING_MS = 200;

interface Held<Data> {
  readonly data: Data;
  readonly sinceMs: number;
  readonly untilMs: number;
}

type ServiceData = Extract<RecordData, { readonly type: 'SRV' }>;

interface Entry {
  readonly name: string;
  readonly from: string;
  pointerUntilMs: number;
  service: Held<ServiceData> | null;
  texts: Held<readonly string[]> | null;
  askAtMs: number;
  asks: number;
}

interface Heard {
  readonly from: string;
  readonly nowMs: number;
}

const ENDING = `.${SERVICE_TYPE}`;
/** Stands for bytes that are no text: a name with it is another one, most often too long, when it is written to be asked for. */
const NO_TEXT = '\ufffd';

export class Neighbours {
  readonly #entries = new Map<string, Entry>();
  /** Hosts that some instance is on; null: the address is not known. */
  readonly #hosts = new Map<string, Held<readonly string[]> | null>();
  readonly #countsBySender = new Map<string, number>();

  /** Takes in the records of one message. */
  hear(records: readonly DnsRecord[], heard: Heard): void {
    for (const record of records) this.#hearInstance(record, heard);
    // Behind them, since only addresses of their hosts are remembered.
    const named = new Set<string>();
    for (const { name, ttlSeconds, flush, data } of records) {
      const host = name.toLowerCase();
      if ((data.type !== 'A' && data.type !== 'AAAA') || !this.#hosts.has(host)) continue;
      const others = flush === true && !named.has(host) ? [] : (this.#hosts.get(host)?.data ?? []);
      const addresses = [...new Set([...others, data.address])].slice(0, ADDRESSES_MAX);
      this.#hosts.set(host, held(addresses, ttlSeconds, heard.nowMs));
      named.add(host);
    }
  }

  /** Instances of which all is known now. */
  known(nowMs: number): readonly Neighbour[] {
    return [...this.#entries.values()].flatMap(({ name, pointerUntilMs, service, texts }) => {
      if (service === null || texts === null) return [];
      const { port, target } = service.data;
      const addresses = this.#hosts.get(target.toLowerCase()) ?? null;
      const isWhole =
        addresses !== null && Math.min(pointerUntilMs, service.untilMs, texts.untilMs, addresses.untilMs) > nowMs;
      return isWhole ? [{ name, texts: texts.data, host: preferred(addresses.data), port }] : [];
    });
  }

  /** Forgets what is out of date. */
  expire(nowMs: number): void {
    for (const [key, { from, pointerUntilMs, service, texts }] of this.#entries) {
      // An instance without a pointer, or with a pointer alone for long, is nothing.
      const untilMs = Math.min(pointerUntilMs, service?.untilMs ?? pointerUntilMs, texts?.untilMs ?? pointerUntilMs);
      if (untilMs > nowMs) continue;
      this.#entries.delete(key);
      const count = (this.#countsBySender.get(from) ?? 1) - 1;
      if (count === 0) this.#countsBySender.delete(from);
      else this.#countsBySender.set(from, count);
    }
    if (this.#hosts.size <= 2 * this.#entries.size) return;
    const used = new Set([...this.#entries.values()].map(({ service }) => service?.data.target.toLowerCase()));
    for (const host of this.#hosts.keys()) if (!used.has(host)) this.#hosts.delete(host);
  }

  /** Names that are to be asked for now, so many at most: soon out of date, or not known as a whole. */
  takeDue(countMax: number, nowMs: number): readonly string[] {
    const due = [...this.#entries.values()].filter(({ askAtMs }) => askAtMs <= nowMs).slice(0, countMax);
    return due.map((entry) => {
      const { service } = entry;
      entry.asks++;
      const share = REFRESH_SHARES[entry.asks];
      if (share === undefined) entry.askAtMs = Number.POSITIVE_INFINITY;
      else if (service === null) entry.askAtMs = nowMs + MISSING_MS * 8 ** entry.asks;
      else entry.askAtMs = service.sinceMs + share * (service.untilMs - service.sinceMs);
      return entry.name;
    });
  }

  #hearInstance({ name, ttlSeconds, data }: DnsRecord, heard: Heard): void {
    const { nowMs } = heard;
    if (data.type === 'PTR' && name.toLowerCase() === SERVICE_TYPE) {
      const entry = this.#entry(data.target, ttlSeconds, heard);
      if (entry !== null) entry.pointerUntilMs = untilMs(ttlSeconds, nowMs);
      return;
    }
    if (data.type !== 'SRV' && data.type !== 'TXT') return;
    const entry = this.#entry(name, ttlSeconds, heard);
    if (entry === null) return;
    if (data.type === 'TXT') {
      entry.texts = held(data.texts, ttlSeconds, nowMs);
      return;
    }
    entry.service = held(data, ttlSeconds, nowMs);
    entry.asks = 0;
    entry.askAtMs = nowMs + (REFRESH_SHARES[0] ?? 1) * (entry.service.untilMs - nowMs);
    const target = data.target.toLowerCase();
    if (!this.#hosts.has(target)) this.#hosts.set(target, null);
  }

  /** Null for what is not below the type of ours or is no text, for a goodbye of what is not known, and beyond the bounds. */
  #entry(name: string, ttlSeconds: number, { from, nowMs }: Heard): Entry | null {
    const key = name.toLowerCase();
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const count = this.#countsBySender.get(from) ?? 0;
    if (!key.endsWith(ENDING) || name.includes(NO_TEXT) || ttlSeconds === 0) return null;
    if (this.#entries.size >= NAMES_MAX || count >= NAMES_OF_ONE_MAX) return null;
    this.#countsBySender.set(from, count + 1);
    const entry: Entry = {
      name,
      from,
      // A service without a pointer is not offered, so it waits for one.
      pointerUntilMs: nowMs + GOODBYE_MS,
      service: null,
      texts: null,
      askAtMs: nowMs + MISSING_MS,
      asks: 0,
    };
    this.#entries.set(key, entry);
    return entry;
  }
}

const held = <Data>(data: Data, ttlSeconds: number, nowMs: number): Held<Data> => ({
  data,
  sinceMs: nowMs,
  untilMs: untilMs(ttlSeconds, nowMs),
});

const untilMs = (ttlSeconds: number, nowMs: number): number =>
  nowMs + (ttlSeconds === 0 ? GOODBYE_MS : Math.min(ttlSeconds, TTL_SECONDS_MAX) * 1000);

/** IPv4 where there is any, and always the same one. */
function preferred(addresses: readonly string[]): string {
  const sorted = [...addresses].sort((a, b) => Number(a.includes(':')) - Number(b.includes(':')) || (a < b ? -1 : 1));
  return sorted[0] ?? '';
}
