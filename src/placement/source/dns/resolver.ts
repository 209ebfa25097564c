// What name servers say of a name: its records, and how long they hold. Servers are asked in turn until one knows; an alias is
// followed a few steps and no further.

import { Resolver } from 'node:dns';
import type { HostPort } from '../../../core/domain.ts';
import {
  type DnsMessage,
  type DnsQuestion,
  type DnsRecord,
  type RecordData,
  sameName,
} from '../../../net/dns/message.ts';
import { askServer } from './ask.ts';

type RecordType = 'A' | 'AAAA' | 'SRV';
export type DataOf<Type extends RecordType> = Extract<RecordData, { readonly type: Type | 'A' | 'AAAA' }> & {
  readonly type: Type;
};

/** Records of one type; none where the servers know that there is none. */
export interface Answer<Type extends RecordType> {
  readonly records: readonly DataOf<Type>[];
  readonly ttlSeconds: number;
  /** What the server said besides: most often the addresses of what it named. */
  readonly additionals: readonly DnsRecord[];
}

/** Steps from alias to alias. */
const ALIASES_MAX = 8;
/** Each server is asked so often. */
const ROUNDS = 2;
/** How long nothing is remembered to be there, where the server does not say. */
const NOTHING_SECONDS = 5;
const NOTHING_SECONDS_MAX = 60;
const DNS_PORT = 53;
const NXDOMAIN = 3;

export class NameServers {
  readonly #servers: readonly HostPort[];

  /** None: those of the system. */
  constructor(servers: readonly HostPort[]) {
    this.#servers = servers;
  }

  /** @throws Error that says what every server answered */
  async records<Type extends RecordType>(name: string, type: Type): Promise<Answer<Type>> {
    let [owner, ttlSeconds] = [name, Number.POSITIVE_INFINITY];
    for (let aliases = 0; aliases <= ALIASES_MAX; aliases++) {
      const message = await this.#ask({ name: owner, type });
      const found = follow(message, owner, type);
      ttlSeconds = Math.min(ttlSeconds, found.ttlSeconds);
      if (found.records.length > 0) return { ...found, ttlSeconds, additionals: message.additionals };
      if (found.owner === owner || message.code === NXDOMAIN) {
        return { records: [], ttlSeconds: Math.min(ttlSeconds, nothingSeconds(message)), additionals: [] };
      }
      // The server leaves the rest of the way to the asker.
      owner = found.owner;
    }
    throw new Error(`more than ${ALIASES_MAX} aliases`);
  }

  async #ask(question: DnsQuestion): Promise<DnsMessage> {
    const reasons = new Set<string>();
    const servers = this.#servers.length > 0 ? this.#servers : systemServers();
    for (let i = 0; i < ROUNDS * servers.length; i++) {
      const server = servers[i % servers.length];
      if (server === undefined) break;
      try {
        const message = await askServer(server, question);
        if (message.code === 0 || message.code === NXDOMAIN) return message;
        reasons.add(`${server.host}: ${CODES[message.code] ?? `code ${message.code}`}`);
      } catch (error) {
        reasons.add(`${server.host}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    throw new Error(servers.length === 0 ? 'no name server is known' : [...reasons].join(', '));
  }
}

/** RFC 1035, section 4.1.1. */
const CODES: Readonly<Record<number, string>> = { 1: 'FORMERR', 2: 'SERVFAIL', 4: 'NOTIMP', 5: 'REFUSED' };

/** Along the aliases that are in the message; `owner` is where they end. */
function follow<Type extends RecordType>({ answers }: DnsMessage, name: string, type: Type) {
  let [owner, ttlSeconds] = [name, Number.POSITIVE_INFINITY];
  for (let aliases = 0; aliases <= ALIASES_MAX; aliases++) {
    const here = answers.filter((record) => sameName(record.name, owner));
    const found = here.filter(({ data }) => data.type === type);
    const alias = here.find(({ data }) => data.type === 'CNAME');
    const used = found.length > 0 ? found : alias === undefined ? [] : [alias];
    ttlSeconds = Math.min(ttlSeconds, ...used.map((record) => record.ttlSeconds));
    if (found.length > 0 || alias?.data.type !== 'CNAME') {
      return { records: found.map(({ data }) => data as DataOf<Type>), owner, ttlSeconds };
    }
    owner = alias.data.target;
  }
  throw new Error(`more than ${ALIASES_MAX} aliases`);
}

/** RFC 2308, section 5. */
function nothingSeconds({ authorities }: DnsMessage): number {
  for (const { ttlSeconds, data } of authorities) {
    if (data.type === 'SOA') return Math.min(ttlSeconds, data.minimumSeconds, NOTHING_SECONDS_MAX);
  }
  return NOTHING_SECONDS;
}

/** Asked each time, since they may have changed. */
function systemServers(): readonly HostPort[] {
  return new Resolver().getServers().map((server) => {
    const [, inBrackets, port] = /^\[([^\]]+)\]:(\d+)$/.exec(server) ?? /^([\d.]+):(\d+)$/.exec(server) ?? [];
    return { host: inBrackets ?? server, port: Number(port ?? DNS_PORT) };
  });
}
