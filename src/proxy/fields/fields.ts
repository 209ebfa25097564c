// Header field names that mean something to a proxy, found without lower-casing every name: a table indexed by the length
// and first letter of a name says whether it can be one of them at all, and nearly every ordinary field cannot.

import type { ProxyConfig } from '../../config/config.ts';

/** Raw fields: name, value, name, value, … */
export type RawFields = readonly string[];

/** What a field means here; 0, an ordinary field, passes unchanged. */
export const FieldKind = {
  ordinary: 0,
  /** Meant for one hop (RFC 9110 section 7.6.1): dropped. */
  hopByHop: 1,
  connection: 2,
  host: 3,
  contentLength: 4,
  transferEncoding: 5,
  te: 6,
  via: 7,
  expect: 8,
  upgrade: 9,
  trailer: 10,
  forwarded: 11,
  forwardedFor: 12,
  forwardedHost: 13,
  forwardedProto: 14,
  requestId: 15,
  service: 16,
  client: 17,
  deadline: 18,
  contentType: 19,
  /** A field for one hop, like `hopByHop`; read where it matters. */
  keepAlive: 20,
  date: 21,
  cookie: 22,
  maxForwards: 23,
  /** What a peer says about its own client or about what it was asked: believed of trusted peers only. */
  claim: 24,
  /** The status of gRPC, in a head or in trailers. */
  grpcStatus: 25,
  grpcTimeout: 26,
  /** What an instance says of its own answer; for this proxy alone. */
  verdict: 27,
  accelBuffering: 28,
  contentEncoding: 29,
  /** `<chain>/<run>`; an ordinary field where there are no chains. */
  chain: 30,
  /** An ordinary field where deadlines are not carried so. */
  baggage: 31,
  /** A digest of the content of an answer, in one of its forms. */
  digest: 32,
  setCookie: 33,
} as const;

const LENGTH_MAX = 64;

interface NamedField {
  readonly name: string;
  readonly kind: number;
}

/** Names of fields with a meaning here, looked up without regard to case. */
export class FieldTable {
  readonly #kinds = new Map<string, number>();
  /** Where in `#named` the names of a slot are; 0: there are none. */
  readonly #slots = new Uint8Array((LENGTH_MAX + 1) * 32);
  readonly #named: NamedField[][] = [[]];
  readonly #claims: boolean;

  /**
   * `kinds`: lower-case names, of up to 64 characters, and what they mean. `claims`: fields that speak like X-Forwarded-For are
   * claims, under any name.
   */
  constructor(kinds: Readonly<Record<string, number>>, { claims } = { claims: false }) {
    this.#claims = claims;
    for (const [name, kind] of Object.entries(kinds)) {
      this.#kinds.set(name, kind);
      const slot = slotOf(name);
      const index = this.#slots[slot] || this.#named.push([]) - 1;
      this.#slots[slot] = index;
      this.#named[index]?.push({ name, kind });
    }
  }

  /** One of `FieldKind`; any spelling of the name. */
  kindOf(name: string): number {
    const index = name.length <= LENGTH_MAX ? (this.#slots[slotOf(name)] ?? 0) : 0;
    if (index !== 0) {
      for (const known of this.#named[index] ?? []) if (isSpelling(name, known.name)) return known.kind;
    }
    return this.#claims && this.#isClaim(name) ? FieldKind.claim : FieldKind.ordinary;
  }

  /** Applications behind CGI, WSGI and their like take an underscore in a name for a hyphen. */
  #isClaim(name: string): boolean {
    if (isForwarded(name)) return true;
    if (!name.includes('_')) return false;
    const hyphenated = name.toLowerCase().replaceAll('_', '-');
    return isForwarded(hyphenated) || CLAIM_KINDS.has(this.#kinds.get(hyphenated) ?? FieldKind.ordinary);
  }
}

const FORWARDED_PREFIX = 'x-forwarded-';
const A = 97;
const X = 120;
const F = 102;

function isForwarded(name: string): boolean {
  // Most names differ in two letters.
  if ((name.charCodeAt(0) | 32) !== X || (name.charCodeAt(2) | 32) !== F) return false;
  return name.slice(0, FORWARDED_PREFIX.length).toLowerCase() === FORWARDED_PREFIX;
}

const CLAIM_KINDS: ReadonlySet<number> = new Set([
  FieldKind.claim,
  FieldKind.forwarded,
  FieldKind.forwardedFor,
  FieldKind.forwardedHost,
  FieldKind.forwardedProto,
]);

/** Whether `name` is `lower` in any case; both have the same length. Compared by character: to make a lower-case name costs more. */
function isSpelling(name: string, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    const code = lower.charCodeAt(i);
    const other = name.charCodeAt(i);
    if (other !== code && (code < A || (other | 32) !== code)) return false;
  }
  return true;
}

/** ASCII letters differ from their other case in bit 5 alone, so the low five bits do for both. */
function slotOf(name: string): number {
  return name.length * 32 + (name.charCodeAt(0) & 31);
}

const HOP_BY_HOP: Readonly<Record<string, number>> = {
  connection: FieldKind.connection,
  'keep-alive': FieldKind.keepAlive,
  'proxy-connection': FieldKind.hopByHop,
  'proxy-authenticate': FieldKind.hopByHop,
  'proxy-authorization': FieldKind.hopByHop,
  'transfer-encoding': FieldKind.transferEncoding,
  te: FieldKind.te,
  upgrade: FieldKind.upgrade,
  trailer: FieldKind.trailer,
  'content-length': FieldKind.contentLength,
};

/** What other proxies call the address, the scheme, the target or the user of their client, beside X-Forwarded-*. */
const CLAIMS = [
  'client-ip',
  'cf-connecting-ip',
  'cf-pseudo-ipv4',
  'fastly-client-ip',
  'forwarded-for',
  'front-end-https',
  'proxy-client-ip',
  'remote-user',
  'true-client-ip',
  'wl-proxy-client-ip',
  'x-appengine-user-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-envoy-external-address',
  'x-forwarded',
  'x-host',
  'x-original-forwarded-for',
  'x-original-host',
  'x-original-url',
  'x-real-ip',
  'x-remote-user',
  'x-rewrite-url',
  'x-scheme',
  'x-url-scheme',
];

/** Fields of requests. `chains`: there are some, that requests may name. */
export function requestFieldTable({ serviceHeader, clientHeader, baggage }: ProxyConfig, chains = false): FieldTable {
  const kinds = {
    ...HOP_BY_HOP,
    ...Object.fromEntries(CLAIMS.map((name) => [name, FieldKind.claim])),
    'http2-settings': FieldKind.hopByHop,
    host: FieldKind.host,
    via: FieldKind.via,
    expect: FieldKind.expect,
    forwarded: FieldKind.forwarded,
    'x-forwarded-for': FieldKind.forwardedFor,
    'x-forwarded-host': FieldKind.forwardedHost,
    'x-forwarded-proto': FieldKind.forwardedProto,
    cookie: FieldKind.cookie,
    'max-forwards': FieldKind.maxForwards,
    'x-request-id': FieldKind.requestId,
    'x-qedge-deadline-ms': FieldKind.deadline,
    'grpc-timeout': FieldKind.grpcTimeout,
    ...(baggage ? { baggage: FieldKind.baggage } : {}),
    ...(chains ? { 'x-qedge-chain': FieldKind.chain } : {}),
    ...(clientHeader === null ? {} : { [clientHeader.toLowerCase()]: FieldKind.client }),
    [serviceHeader.toLowerCase()]: FieldKind.service,
  };
  return new FieldTable(kinds, { claims: true });
}

/** Fields of answers that mean something here. */
export const RESPONSE_FIELDS = new FieldTable({
  ...HOP_BY_HOP,
  'content-type': FieldKind.contentType,
  'content-encoding': FieldKind.contentEncoding,
  'grpc-status': FieldKind.grpcStatus,
  'x-qedge-verdict': FieldKind.verdict,
  'x-accel-buffering': FieldKind.accelBuffering,
  'content-digest': FieldKind.digest,
  'repr-digest': FieldKind.digest,
  'content-md5': FieldKind.digest,
  'set-cookie': FieldKind.setCookie,
});

/** Lower-case names that a Connection field names, its usual two options left out; null when there are no others. */
export function connectionNames(value: string): readonly string[] | null {
  if (value === 'keep-alive' || value === 'close' || value === 'Keep-Alive') return null;
  const names = value
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'keep-alive' && name !== 'close');
  return names.length === 0 ? null : names;
}

/** Names of two Connection fields of one head. */
export function joinedNames(names: readonly string[] | null, more: readonly string[] | null): readonly string[] | null {
  if (names === null || more === null) return names ?? more;
  return [...names, ...more];
}

/** Raw fields (name, value, name, value, …) without those named. */
export function withoutFields(fields: readonly string[], names: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] ?? '';
    if (!names.includes(name.toLowerCase())) kept.push(name, fields[i + 1] ?? '');
  }
  return kept;
}

const PASSED_TRAILERS: ReadonlySet<number> = new Set([FieldKind.ordinary, FieldKind.grpcStatus, FieldKind.digest]);

/**
 * Trailers without those that are about a head: framing, routing, and what this proxy sets itself. A client that takes trailers for
 * fields of the head would believe them (RFC 9110 section 6.5.1).
 */
export function trailersOnly(trailers: readonly string[], table: FieldTable): readonly string[] {
  if (trailers.length === 0) return trailers;
  const kept: string[] = [];
  for (let i = 0; i + 1 < trailers.length; i += 2) {
    const name = trailers[i] ?? '';
    const kind = table.kindOf(name);
    if (PASSED_TRAILERS.has(kind)) kept.push(name, trailers[i + 1] ?? '');
  }
  return kept;
}

/** Value of the first field of this name, given in lower case; null without one. */
export function fieldValue(fields: readonly string[], name: string): string | null {
  for (let i = 0; i + 1 < fields.length; i += 2) if (isNamed(fields[i] ?? '', name)) return fields[i + 1] ?? '';
  return null;
}

/** Value of all raw fields of this name, given in lower case: a list may be split into several (RFC 9110 section 5.3). Null for none. */
export function listValue(fields: readonly string[], name: string): string | null {
  let list: string | null = null;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (!isNamed(fields[i] ?? '', name)) continue;
    list = list === null ? (fields[i + 1] ?? '') : `${list}, ${fields[i + 1]}`;
  }
  return list;
}

/** Whether raw fields hold one of this name, given in lower case. */
export function hasField(fields: readonly string[], name: string): boolean {
  for (let i = 0; i < fields.length; i += 2) if (isNamed(fields[i] ?? '', name)) return true;
  return false;
}

/** Most names differ in their length, and are not lower-cased. */
function isNamed(field: string, name: string): boolean {
  return field.length === name.length && field.toLowerCase() === name;
}
