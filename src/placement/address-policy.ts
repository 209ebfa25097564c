// Which announced addresses qedge is willing to talk to. Anyone who may publish to the broker may announce an instance,
// so an address is a request to connect somewhere (CWE-918): it must be an address literal, inside the allowed networks,
// never link-local (cloud metadata services live there), and never this qedge itself, which would be a loop.

import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { ListenAddress } from '../config/config.ts';
import { isLoopback } from '../config/loopback.ts';

export interface AddressPolicyOptions {
  /** CIDRs or single addresses, IPv4 and IPv6. Nothing outside them is allowed; empty allows nothing. */
  readonly allow: readonly string[];
  /** The key of that list, as reasons name it. */
  readonly key?: string;
  /** What this process listens on now; read at each check, since port 0 is known only after listening. */
  readonly ownListeners: () => readonly ListenAddress[];
  /** Addresses of this machine; its network interfaces by default. */
  readonly localAddresses?: () => readonly string[];
}

/** Which addresses may be connected to; an address that may not has a reason. */
export interface AddressPolicy {
  /** Why `host:port` must not be used, naming it; null when it may be. */
  refusal(host: string, port: number): string | null;
  /** The same of an address that is allowed no matter what the networks are: only this qedge itself is refused. */
  loopRefusal(host: string, port: number): string | null;
  /** Whether the address is one that may be used, on any port. */
  allows(host: string): boolean;
}

/** Never an instance, even where allowed: [network, prefix, what it is]. */
const NEVER: readonly (readonly [string, number, 'ipv4' | 'ipv6', string])[] = [
  ['0.0.0.0', 8, 'ipv4', 'unspecified (RFC 1122)'],
  ['169.254.0.0', 16, 'ipv4', 'link-local (RFC 3927)'],
  ['224.0.0.0', 4, 'ipv4', 'multicast (RFC 5771)'],
  ['240.0.0.0', 4, 'ipv4', 'reserved (RFC 1112)'],
  ['::', 128, 'ipv6', 'unspecified (RFC 4291)'],
  ['fe80::', 10, 'ipv6', 'link-local (RFC 4291)'],
  ['ff00::', 8, 'ipv6', 'multicast (RFC 4291)'],
  ['64:ff9b::', 96, 'ipv6', 'an IPv4 address in disguise (RFC 6052)'],
  ['2002::', 16, 'ipv6', 'an IPv4 address in disguise (RFC 3056)'],
  ['64:ff9b:1::', 48, 'ipv6', 'an IPv4 address in disguise (RFC 8215)'],
  ['::ffff:0:0:0', 96, 'ipv6', 'an IPv4 address in disguise (RFC 2765)'],
  ['2001::', 32, 'ipv6', 'an IPv4 address in disguise (RFC 4380)'],
  // Loopback is among these, and is asked for before.
  ['::', 96, 'ipv6', 'an IPv4 address in disguise (RFC 4291)'],
  // What clouds answer on addresses inside of private networks: credentials, user data, name service, the host's agent.
  ['100.100.100.200', 32, 'ipv4', 'a cloud metadata service (Alibaba)'],
  ['192.0.0.192', 32, 'ipv4', 'a cloud metadata service (Oracle)'],
  ['168.63.129.16', 32, 'ipv4', 'a cloud metadata service (Azure)'],
  ['fd00:ec2::', 32, 'ipv6', 'a cloud metadata service (AWS)'],
  ['fd20:ce::', 32, 'ipv6', 'a cloud metadata service (Google)'],
  ['fd00:42::42', 128, 'ipv6', 'a cloud metadata service (Scaleway)'],
];

/**
 * Reads the allow-list once.
 * @throws RangeError naming the entry that is neither an address nor a CIDR.
 */
export function createAddressPolicy(options: AddressPolicyOptions): AddressPolicy {
  const allowed = parseNetworks(options.allow);
  const key = options.key ?? 'placement.allow';
  const never = NEVER.map(([network, prefix, family, what]) => ({ list: listOf(network, prefix, family), what }));
  const localAddresses = options.localAddresses ?? interfaceAddresses;

  const refusalOfHost = (host: string): string | null => {
    const family = familyOf(host);
    if (family === null) return `host ${JSON.stringify(host)} is not an IPv4 or IPv6 address`;
    const kind = isLoopback(host) ? undefined : never.find(({ list }) => list.check(host, family));
    if (kind !== undefined) return `address ${host} is ${kind.what}`;
    return allowed.check(host, family) ? null : `address ${host} is outside ${key}`;
  };
  const isOwn = (host: string, port: number): boolean => {
    const family = familyOf(host) ?? 'ipv4';
    return (
      options.ownListeners().some((listener) => listener.port === port) &&
      (isLoopback(host) || listOfAddresses(localAddresses()).check(host, family))
    );
  };

  // A host is announced again and again, and a dozen lists take longer to ask than all the rest of its message.
  const verdicts = new Map<string, string | null>();
  const rememberedRefusal = (host: string): string | null => {
    const known = verdicts.get(host);
    if (known !== undefined) return known;
    const refusal = refusalOfHost(host);
    if (verdicts.size >= VERDICTS_MAX) verdicts.clear();
    verdicts.set(host, refusal);
    return refusal;
  };

  const loopRefusal = (host: string, port: number): string | null =>
    isOwn(host, port) ? `address ${host}:${port} is this qedge itself` : null;

  return {
    allows: (host) => rememberedRefusal(host) === null,
    refusal: (host, port) => rememberedRefusal(host) ?? loopRefusal(host, port),
    loopRefusal,
  };
}

/** Hosts whose verdict is remembered; beyond it, all are judged again. */
const VERDICTS_MAX = 8_192;

/** Null for what is no address, and for one that is meant for an interface (RFC 4007). */
function familyOf(host: string): 'ipv4' | 'ipv6' | null {
  const version = isIP(host);
  if (version === 0 || host.includes('%')) return null;
  return version === 4 ? 'ipv4' : 'ipv6';
}

function listOf(network: string, prefix: number, family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  list.addSubnet(network, prefix, family);
  return list;
}

function parseNetworks(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const version = isIP(address);
    const bits = version === 4 ? 32 : 128;
    const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (version === 0 || !(length <= bits)) throw new RangeError(`${JSON.stringify(network)} is not a CIDR`);
    list.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

function listOfAddresses(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const address of addresses) {
    const version = isIP(address);
    if (version !== 0 && !address.includes('%')) list.addAddress(address, version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

function interfaceAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map((entry) => entry.address));
}
