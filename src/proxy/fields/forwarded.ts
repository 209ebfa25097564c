// Where a request came from, as the instance gets it: X-Forwarded-For, -Proto, -Host and Forwarded (RFC 7239). What a peer
// that is not trusted says about itself is replaced.

import { BlockList, isIP, isIPv6 } from 'node:net';
import { TOKEN } from './field-lines.ts';
import type { RequestHead } from './request-head.ts';

/** Addresses whose claims about the client are believed. */
export class TrustedPeers {
  readonly #list = new BlockList();
  readonly #any: boolean;

  /** CIDRs or single addresses, as validated by the config. */
  constructor(cidrs: readonly string[]) {
    this.#any = cidrs.length > 0;
    for (const cidr of cidrs) {
      const [address = '', prefix] = cidr.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      if (prefix === undefined) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, Number(prefix), family);
    }
  }

  trusts(address: string): boolean {
    return this.#any && isIP(address) !== 0 && this.#list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  }
}

/** The peer at the other end of one connection; made once a connection. */
export interface Peer {
  /** The address without the IPv4-mapped prefix; empty when the socket is already gone. */
  readonly address: string;
  readonly trusted: boolean;
  readonly proto: 'http' | 'https';
  /** `for=…;proto=…`, ready for Forwarded. */
  readonly forwarded: string;
  /** Host of the last request on the connection, which the next one is most likely to repeat. */
  lastHost: string | null;
  lastElement: string;
}

/** The other end of a connection; `encrypted`: by TLS. */
export function peerOf(remoteAddress: string | undefined, encrypted: boolean, trusted: TrustedPeers): Peer {
  const address = (remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
  const proto = encrypted ? 'https' : 'http';
  const node = address === '' ? 'unknown' : isIPv6(address) ? `"[${address}]"` : address;
  const forwarded = `for=${node};proto=${proto}`;
  return { address, trusted: trusted.trusts(address), proto, forwarded, lastHost: null, lastElement: forwarded };
}

/** Appends the four fields, and what else a trusted peer claims. */
export function addForwarded(fields: string[], head: RequestHead, peer: Peer): void {
  const kept = peer.trusted;
  const forwardedFor = kept && head.forwardedFor !== null ? `${head.forwardedFor}, ${peer.address}` : peer.address;
  const proto = kept && head.forwardedProto !== null ? head.forwardedProto : peer.proto;
  const host = kept && head.forwardedHost !== null ? head.forwardedHost : head.host;
  const element = elementFor(peer, head.host);
  if (kept) fields.push(...head.claims);
  fields.push('X-Forwarded-For', forwardedFor, 'X-Forwarded-Proto', proto);
  if (host !== null) fields.push('X-Forwarded-Host', host);
  fields.push('Forwarded', kept && head.forwarded !== null ? `${head.forwarded}, ${element}` : element);
}

function elementFor(peer: Peer, host: string | null): string {
  if (peer.lastHost !== host) {
    peer.lastHost = host;
    peer.lastElement = host === null ? peer.forwarded : `${peer.forwarded};host=${quoted(host)}`;
  }
  return peer.lastElement;
}

/** RFC 7239 section 4: a value that is not a token (a port makes it one that is not) is a quoted string. */
function quoted(value: string): string {
  return WHOLE_TOKEN.test(value) ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}

const WHOLE_TOKEN = new RegExp(`^${TOKEN}$`);
