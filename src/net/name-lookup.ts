// Where a name is asked for, in turn: the hosts file, DNS by queries of our own, and last the system, which also knows
// mDNS, search domains and all else that its administrator set up. Only the last takes a thread, and libuv has few of
// them for all of the process: it is asked for two names at a time, the others wait in line.

import { lookup } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { lookupFailure } from './address-book.ts';

export interface Found {
  readonly addresses: readonly string[];
  /** How long that holds, ms; null where it is not said. */
  readonly ttlMs: number | null;
}

/** Throws with the reason when the name has no address, or when none is found in time. */
export type NameLookup = (name: string) => Promise<Found>;

/** Limit of one query to one name server, ms, and of all of them together. */
const QUERY_MS_MAX = 1_000;
const QUERIES_MS_MAX = 2_500;
/** The system gives up by itself, but only after half a minute with two silent name servers. */
const SYSTEM_MS_MAX = 5_000;
/** Names that the system is asked for at a time. */
const SYSTEM_NAMES_MAX = 2;
/** RFC 6762, section 3: names that no name server knows. */
const MULTICAST_NAME = /\.local$/i;

/** Looks a name up once: hosts file, DNS, the system's resolver. Rejects with a reason that names it. */
export function createNameLookup({ hostsFile = '/etc/hosts' } = {}): NameLookup {
  const askSystem = createSystemLookup();
  return async (name) => {
    const listed = await readHosts(hostsFile, name);
    if (listed.length > 0) return { addresses: listed, ttlMs: null };
    if (!MULTICAST_NAME.test(name)) {
      const found = await queryServers(name);
      if (found !== null) return found;
    }
    return { addresses: await askSystem(name), ttlMs: null };
  };
}

/** Addresses that a file in the form of `hosts(5)` gives the name; none where there is no such file. */
export async function readHosts(file: string, name: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    return isIP(address) !== 0 && names.some((one) => one.toLowerCase() === name.toLowerCase()) ? [address] : [];
  });
}

/** Null where no server knows the name, or none answers: the system may still. */
async function queryServers(name: string): Promise<Found | null> {
  // A new one each time, since the servers may have changed.
  const resolver = new Resolver({ timeout: QUERY_MS_MAX, tries: 2 });
  const deadline = setTimeout(() => resolver.cancel(), QUERIES_MS_MAX);
  const answers = await Promise.all([
    resolver.resolve4(name, { ttl: true }).catch(() => []),
    resolver.resolve6(name, { ttl: true }).catch(() => []),
  ]);
  clearTimeout(deadline);
  const records = answers.flat();
  if (records.length === 0) return null;
  return {
    addresses: records.map(({ address }) => address),
    ttlMs: Math.min(...records.map(({ ttl }) => ttl)) * 1000,
  };
}

/** `getaddrinfo` cannot be ended: one that is past its deadline keeps its place until the system answers. */
function createSystemLookup(): (name: string) => Promise<readonly string[]> {
  let asking = 0;
  const line: (() => void)[] = [];
  // A place that is left goes to the next in line, so that nothing slips in between.
  const leave = (): void => {
    const next = line.shift();
    if (next === undefined) asking--;
    else next();
  };
  return async (name) => {
    if (asking < SYSTEM_NAMES_MAX) asking++;
    else await new Promise<void>((next) => line.push(next));
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error('no answer in time')), SYSTEM_MS_MAX);
      lookup(name, { all: true, order: 'verbatim' }, (error, found) => {
        clearTimeout(deadline);
        leave();
        if (error !== null) reject(new Error(lookupFailure(error)));
        else resolve(found.map(({ address }) => address));
      });
    });
  };
}
