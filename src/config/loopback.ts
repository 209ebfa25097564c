// Whether an address, or a name for one, can only mean the machine that uses it.

import { BlockList, isIP } from 'node:net';
import { hostOfUrl } from './values.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** IPv4 in IPv6 is read as IPv4. Among names, `localhost` and those below it mean loopback (RFC 6761). */
export function isLoopback(host: string): boolean {
  const version = isIP(host);
  if (version === 0) return /(?:^|\.)localhost\.?$/i.test(host);
  return !host.includes('%') && LOOPBACK.check(host, version === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Whether the configuration says that all nodes are processes of this machine: others reach this one on loopback, and meet
 * at brokers, or over multicast, on loopback. One of the two does not say it: a tunnel to a broker far away ends on loopback as well.
 */
export function isOneMachine(address: string | null, meetings: readonly string[]): boolean {
  if (address === null || !isLoopback(address)) return false;
  return meetings.length > 0 && meetings.every((place) => isLoopback(hostOf(place)));
}

/** The host of a broker's URL, or of an interface for multicast. */
function hostOf(place: string): string {
  if (!place.includes('://')) return place === 'lo' ? '127.0.0.1' : place;
  return hostOfUrl(place);
}
