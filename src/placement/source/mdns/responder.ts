// What this node says of its own instances over multicast DNS: it asks whether a name is taken, announces, answers, and says
// goodbye (RFC 6762, sections 8 to 10). What cannot be said, since its records would be too large, is refused.

import { isDeepStrictEqual } from 'node:util';
import type { Instance } from '../../../core/domain.ts';
import type { Rng } from '../../../core/rng.ts';
import { dataBytes, encodeMulticast } from '../../../net/dns/encode.ts';
import {
  type DnsMessage,
  DnsMessageError,
  type DnsQuestion,
  type DnsRecord,
  type RecordData,
} from '../../../net/dns/message.ts';
import { idOf } from '../../messages/instance-name.ts';
import { type InstanceRecords, recordsOf, SERVICE_TYPE, TYPES_NAME } from './service-record.ts';

export interface ResponderOptions {
  readonly rng: Rng;
  readonly send: (bytes: Buffer) => Promise<void>;
  readonly refuse: (instance: Instance, error: unknown) => void;
  /** Another node has the name; the instance gets another one. */
  readonly onConflict: (instance: Instance) => void;
}

/** RFC 6762, sections 8.1 and 8.3: three probes, then two announcements, at these distances, ms. */
const PROBES = 3;
const PROBE_MS = 250;
const ANNOUNCEMENTS = 2;
const ANNOUNCE_MS = 1_000;
/** Section 6: nothing is said more often than this, ms, and answers of many wait for each other. */
const AGAIN_MS = 1_000;
const ANSWER_MS = 20;
/** Section 8.1: one that finds its names taken again and again tries no more often than this, ms. */
const CONFLICTS_QUICK = 15;
const CONFLICT_MS = 1_000;
const CONFLICT_MS_MAX = 60_000;
/** A packet is filled up to this, bytes: what a network carries in one piece. */
const PACKET_BYTES = 1_400;

interface Offered {
  readonly instance: Instance;
  records: InstanceRecords;
  conflicts: number;
  /** Probes and announcements that were sent since the records are what they are. */
  steps: number;
  timer: NodeJS.Timeout | null;
  saidMs: number;
}

export class Responder {
  readonly #options: ResponderOptions;
  readonly #offered = new Map<string, Offered>();
  readonly #asked = new Set<Offered>();
  #answerTimer: NodeJS.Timeout | null = null;

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  /** What this node offers now: announces what is new, and takes back what is gone. */
  offer(instances: readonly Instance[]): void {
    const wanted = new Map(instances.map((instance) => [idOf(instance), instance]));
    const gone = [...this.#offered].filter(([id, { instance }]) => !isDeepStrictEqual(wanted.get(id), instance));
    for (const [id] of gone) this.#drop(id);
    void this.#sayGoodbye(gone.flatMap(([id, offered]) => (wanted.has(id) ? [] : [offered])));
    for (const [id, instance] of wanted) if (!this.#offered.has(id)) this.#add(id, instance);
  }

  /** Begins again, on networks where nothing was said yet. */
  restart(): void {
    for (const offered of this.#offered.values()) this.#begin(offered, this.#options.rng.next() * PROBE_MS);
  }

  /** Says goodbye, unless another process of this node goes on. */
  async stop(succeeded: boolean): Promise<void> {
    const offered = [...this.#offered.values()];
    for (const id of [...this.#offered.keys()]) this.#drop(id);
    if (this.#answerTimer !== null) clearTimeout(this.#answerTimer);
    if (!succeeded) await this.#sayGoodbye(offered);
  }

  hear(message: DnsMessage): void {
    if (message.isAnswer) this.#defend([...message.answers, ...message.additionals]);
    else {
      this.#yield(message.authorities);
      this.#answer(message.questions, message.answers);
    }
  }

  #add(id: string, instance: Instance): void {
    try {
      const offered = { instance, records: recordsOf(instance, 0), conflicts: 0, steps: 0, timer: null, saidMs: 0 };
      this.#offered.set(id, offered);
      this.#begin(offered, this.#options.rng.next() * PROBE_MS);
    } catch (error) {
      this.#options.refuse(instance, error);
    }
  }

  #drop(id: string): void {
    const offered = this.#offered.get(id);
    if (offered?.timer) clearTimeout(offered.timer);
    if (offered !== undefined) this.#asked.delete(offered);
    this.#offered.delete(id);
  }

  #begin(offered: Offered, waitMs: number): void {
    offered.steps = 0;
    this.#stepIn(offered, waitMs);
  }

  #stepIn(offered: Offered, waitMs: number): void {
    if (offered.timer !== null) clearTimeout(offered.timer);
    offered.timer = setTimeout(() => this.#step(offered), waitMs);
    offered.timer.unref();
  }

  #step(offered: Offered): void {
    const { service } = offered.records;
    offered.steps++;
    if (offered.steps <= PROBES) {
      const questions = [{ name: service.name, type: 'ANY', unicast: true }] as const;
      void this.#options.send(encodeMulticast({ questions, authorities: [service] }));
      this.#stepIn(offered, PROBE_MS);
      return;
    }
    this.#say([offered]);
    if (offered.steps < PROBES + ANNOUNCEMENTS) this.#stepIn(offered, ANNOUNCE_MS);
  }

  #answer(questions: readonly DnsQuestion[], known: readonly DnsRecord[]): void {
    const asked = new Set(questions.map(({ name, type }) => `${name.toLowerCase()} ${type}`));
    // Section 7.1: what the asker knows, and will know for a while yet, is not said again.
    const knownSeconds = new Map(known.map((record) => [keyOf(record), record.ttlSeconds]));
    const isNews = (record: DnsRecord): boolean => {
      const name = record.name.toLowerCase();
      if (!asked.has(`${name} ${record.data.type}`) && !asked.has(`${name} ANY`)) return false;
      return (knownSeconds.get(keyOf(record)) ?? 0) * 2 <= record.ttlSeconds;
    };
    for (const offered of this.#offered.values()) {
      const { pointers, service, text, address } = offered.records;
      if (isSaid(offered) && [...pointers, service, text, address].some(isNews)) this.#asked.add(offered);
    }
    if (this.#asked.size > 0) this.#answerSoon();
  }

  #answerSoon(): void {
    if (this.#answerTimer !== null) return;
    const sinceMs = Math.max(...[...this.#asked].map(({ saidMs }) => saidMs));
    const waitMs = Math.max(sinceMs + AGAIN_MS - performance.now(), ANSWER_MS * (1 + this.#options.rng.next()));
    this.#answerTimer = setTimeout(() => {
      this.#answerTimer = null;
      const asked = [...this.#asked];
      this.#asked.clear();
      this.#say(asked);
    }, waitMs);
    this.#answerTimer.unref();
  }

  /** Section 9: a name of ours with other data belongs to another responder, even where it was ours before. */
  #defend(records: readonly DnsRecord[]): void {
    const said = servicesByName(records.filter(({ ttlSeconds }) => ttlSeconds > 0));
    for (const offered of this.#offered.values()) {
      const { service } = offered.records;
      const others = said.get(service.name.toLowerCase()) ?? [];
      if (others.some((record) => keyOf(record) !== keyOf(service))) this.#rename(offered);
    }
  }

  /** Section 8.2: of two that ask for one name at once, the one with the lesser data waits. */
  #yield(authorities: readonly DnsRecord[]): void {
    const said = servicesByName(authorities);
    for (const offered of this.#offered.values()) {
      const { service } = offered.records;
      const others = isSaid(offered) ? [] : (said.get(service.name.toLowerCase()) ?? []);
      const own = dataBytes(service.data);
      if (others.some(({ data }) => Buffer.compare(own, bytesOf(data)) < 0)) this.#begin(offered, CONFLICT_MS);
    }
  }

  #rename(offered: Offered): void {
    offered.conflicts++;
    if (offered.conflicts === 1) this.#options.onConflict(offered.instance);
    // Tried by turns where there is no end to it.
    offered.records = recordsOf(offered.instance, 1 + ((offered.conflicts - 1) % CONFLICTS_QUICK));
    this.#begin(offered, offered.conflicts % CONFLICTS_QUICK === 0 ? CONFLICT_MS_MAX : CONFLICT_MS);
  }

  #say(some: readonly Offered[]): void {
    for (const offered of some) offered.saidMs = performance.now();
    void this.#send(some, (record) => record);
  }

  /** Only the pointer to the instance goes: others may still be of the type. */
  async #sayGoodbye(some: readonly Offered[]): Promise<void> {
    await this.#send(some.filter(isSaid), (record) =>
      record.name === TYPES_NAME || record.data.type === 'A' || record.data.type === 'AAAA'
        ? null
        : { ...record, ttlSeconds: 0 },
    );
  }

  /** Sends records in packets that a network carries whole. `as` returns what to say of each; null for nothing. */
  async #send(some: readonly Offered[], as: (record: DnsRecord) => DnsRecord | null): Promise<void> {
    let packet: DnsRecord[] = [];
    let bytes = 0;
    for (const { records } of some) {
      const { pointers, service, text, address } = records;
      const said = [...pointers, service, text, address].flatMap((record) => as(record) ?? []);
      const length = encodeMulticast({ answers: said }).length;
      if (packet.length > 0 && bytes + length > PACKET_BYTES) {
        await this.#options.send(encodeMulticast({ answers: packet }));
        [packet, bytes] = [[], 0];
      }
      packet = [...packet, ...said];
      bytes += length;
    }
    if (packet.length > 0) await this.#options.send(encodeMulticast({ answers: packet }));
  }
}

/** Its names were found to be free, and it was announced. */
const isSaid = ({ steps }: Offered): boolean => steps > PROBES;

/** What others say may have labels that are no text, which nothing of ours has: they cannot be written again. */
const NO_BYTES = Buffer.alloc(0);

function bytesOf(data: RecordData): Buffer {
  try {
    return dataBytes(data);
  } catch (error) {
    if (error instanceof DnsMessageError) return NO_BYTES;
    throw error;
  }
}

/** Two records with one key say the same. */
function keyOf({ name, data }: DnsRecord): string {
  return `${name.toLowerCase()} ${data.type} ${bytesOf(data).toString('latin1').toLowerCase()}`;
}

/** A packet has room for thousands. */
function servicesByName(records: readonly DnsRecord[]): ReadonlyMap<string, readonly DnsRecord[]> {
  return Map.groupBy(
    records.filter(({ data }) => data.type === 'SRV'),
    ({ name }) => name.toLowerCase(),
  );
}

/** A question for every instance that there is, less what is known. */
export const questionForAll: DnsQuestion = { name: SERVICE_TYPE, type: 'PTR' };
