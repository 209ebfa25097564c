// One name that a service has in DNS → where its instances are. `_service._proto.domain` is asked for SRV and gives each target
// as an instance; any other name is asked for its addresses, each of them one.

import { isIP } from 'node:net';
import type { ServiceName } from '../../../config/schema/placement/sources.ts';
import type { Instance, Labels } from '../../../core/domain.ts';
import type { DnsRecord } from '../../../net/dns/message.ts';
import { ANNOUNCED_MAX } from '../source.ts';
import type { NameServers } from './resolver.ts';

/** Where the instances of a name are, and how long that holds. */
export interface Resolution {
  readonly instances: readonly Instance[];
  readonly ttlSeconds: number;
  /** Why the address of a target is the one that was known before; null where all are new. */
  readonly trouble: string | null;
}

/** What is to be resolved. */
export interface Wanted {
  readonly service: string;
  readonly name: ServiceName;
  /** Where its instances were before: for targets whose servers do not answer. */
  readonly before: readonly Instance[];
}

/** Targets whose addresses are asked for at a time. */
const TARGETS_AT_ONCE = 8;
/** When a target whose servers do not answer is asked for again. */
const AGAIN_SECONDS = 5;
/** Targets of one name. */
const TARGETS_MAX = 256;

/** @throws Error that says why the servers could not say */
export function resolveName(servers: NameServers, wanted: Wanted): Promise<Resolution> {
  return wanted.name.port === null ? resolveTargets(servers, wanted) : resolveAddresses(servers, wanted);
}

async function resolveAddresses(servers: NameServers, { service, name }: Wanted): Promise<Resolution> {
  const { addresses, ttlSeconds } = await addressesOf(servers, name.host, []);
  const instances = addresses
    .slice(0, ANNOUNCED_MAX)
    .map((address) => instanceOf({ service, name, nodeId: address, address, port: name.port ?? 0, labels: {} }));
  return { instances, ttlSeconds, trouble: null };
}

async function resolveTargets(servers: NameServers, { service, name, before }: Wanted): Promise<Resolution> {
  const { records, ttlSeconds, additionals } = await servers.records(name.host, 'SRV');
  // RFC 2782: a lone root as the target says that the service is not to be had.
  const targets = records.filter(({ target, port }) => target !== '' && port > 0);
  if (targets.length > TARGETS_MAX) throw new Error(`${targets.length} targets, more than ${TARGETS_MAX}`);
  const instances: Instance[] = [];
  const ttls = [ttlSeconds];
  let trouble: string | null = null;
  const additional = Map.groupBy(additionals, (record) => record.name.toLowerCase());
  const waiting = targets.values();
  const work = async (): Promise<void> => {
    for (const { target, port, priority } of waiting) {
      const nodeId = target.toLowerCase();
      const known = before.find((one) => one.nodeId === nodeId && one.port === port);
      const found = await addressesOf(servers, target, additional.get(nodeId) ?? []).catch((error: Error) => {
        trouble = `${target}: ${error.message}`;
        return { addresses: known === undefined ? [] : [known.host], ttlSeconds: AGAIN_SECONDS };
      });
      ttls.push(found.ttlSeconds);
      // A target is one machine, however many addresses it has.
      const [address] = [...found.addresses].sort();
      const labels = { priority: String(priority) };
      if (address !== undefined) instances.push(instanceOf({ service, name, nodeId, address, port, labels }));
    }
  };
  await Promise.all(Array.from({ length: TARGETS_AT_ONCE }, work));
  return { instances, ttlSeconds: Math.min(...ttls), trouble };
}

interface Addresses {
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
}

/** IPv4 where there is any: the same machine most often has both. `additional`: what the server sent along of this name. */
async function addressesOf(servers: NameServers, name: string, additional: readonly DnsRecord[]): Promise<Addresses> {
  if (isIP(name) !== 0) return { addresses: [name], ttlSeconds: Number.POSITIVE_INFINITY };
  for (const type of ['A', 'AAAA'] as const) {
    const known = additional.filter((record) => record.data.type === type);
    const { records, ttlSeconds } =
      known.length === 0
        ? await servers.records(name, type)
        : { records: known.map(({ data }) => data), ttlSeconds: Math.min(...known.map((one) => one.ttlSeconds)) };
    const addresses = records.flatMap((data) => ('address' in data ? [data.address] : []));
    if (addresses.length > 0 || type === 'AAAA') return { addresses: [...new Set(addresses)], ttlSeconds };
  }
  return { addresses: [], ttlSeconds: 0 };
}

function instanceOf(facts: {
  readonly service: string;
  readonly name: ServiceName;
  readonly nodeId: string;
  readonly address: string;
  readonly port: number;
  readonly labels: Labels;
}): Instance {
  const { service, name, nodeId, address, port, labels } = facts;
  return { service, nodeId, id: String(port), scheme: name.scheme, host: address, port, labels, profile: null };
}
