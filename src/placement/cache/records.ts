// The records that the placement cache is made of, and what can be read off them: which node claims that an instance is there,
// and whether that claim is worth traffic now.

import type { Availability, HostPort, Instance, InstanceKey, Node } from '../../core/domain.ts';
import type { ProbeTarget } from '../../net/endpoint.ts';

/**
 * Where an announcement came from, the most trusted first: config, own announcer, files and containers of this
 * machine, native topics, informer topics, DNS, multicast DNS.
 */
export const SOURCES = ['static', 'local', 'file', 'docker', 'native', 'informer', 'dns', 'mdns'] as const;
export type Source = (typeof SOURCES)[number];

/** Sources beside the broker and the configuration: each says again all that it knows (source/source.ts). */
export const DISCOVERED = ['file', 'docker', 'dns', 'mdns'] as const;
/** A source of instances beside the broker and the configuration. */
export type DiscoveredSource = (typeof DISCOVERED)[number];

/** Sources that a restart cannot ask at once: what they said is kept. */
export const KEPT = ['native', 'informer', 'dns', 'mdns'] as const;
/** A source whose word survives a restart. */
export type KeptSource = (typeof KEPT)[number];

/** Sources by rank: the lower, the more trusted. */
export const RANKS = Object.fromEntries(SOURCES.map((source, rank) => [source, rank])) as Record<Source, number>;

/** Whether the source is one of them. */
export const isDiscovered = (source: Source): source is DiscoveredSource =>
  (DISCOVERED as readonly Source[]).includes(source);

/** Endpoints kept per node for TCP probes: one may be down, three at once is the node's trouble. */
const ENDPOINTS_MAX = 3;

/** What one source says of an instance. */
export interface Claim {
  readonly instance: Instance;
  /** Life of the announcing qedge; null when its publisher has none. */
  readonly boot: string | null;
  /** When it was last heard, counted in messages. */
  readonly sequence: number;
  /** When it was last heard from a live publisher rather than from the broker's memory; 0 when never. */
  readonly liveSequence: number;
  /** No longer subscribed to: true when last heard, perhaps out of date. */
  readonly outOfReach: boolean;
}

/** Where an instance listens, by the source that says so. */
export interface Place {
  readonly instance: Instance;
  readonly source: Source;
}

export interface Slot {
  readonly id: string;
  readonly key: InstanceKey;
  readonly service: string;
  readonly host: Host;
  readonly claims: Record<Source, Claim | null>;
  /** Where the claim that counts says it listens; null without one. */
  place: Place | null;
  /** What was last reported; null when nothing was. */
  reported: { readonly instance: Instance; readonly source: Source; readonly availability: Availability } | null;
}

export interface Moment {
  /** Grace time. */
  readonly atMs: number;
  /** Messages taken in until then. */
  readonly sequence: number;
}

/** A last will that fired. */
export interface Loss extends Moment {
  /** Whether the node is doubted for it at once; false where the broker is the likelier cause: then only grace runs. */
  readonly doubted: boolean;
}

/** A node as a place where instances are, announced or not. */
export interface Host {
  readonly nodeId: string;
  /** As announced; null when it never was, or is gone. */
  node: Node | null;
  /** When its announcement was last heard, counted in messages. */
  sequence: number;
  /** Its last will fired. Stays when the node is dropped, since the broker still holds what it announced. */
  lost: Loss | null;
  /** When it, or an instance of it, last answered, as grace time. Looked up only while something speaks against it. */
  signMs: number;
  /** A snapshot came without it. */
  missing: Moment | null;
  /** Grace time at which its boot id last changed: announcements of an earlier life have the grace period from here. */
  bootAtMs: number;
  readonly slots: Set<Slot>;
  target: ProbeTarget | null;
}

export function createHost(nodeId: string): Host {
  return {
    nodeId,
    node: null,
    sequence: 0,
    lost: null,
    signMs: Number.NEGATIVE_INFINITY,
    missing: null,
    bootAtMs: Number.NEGATIVE_INFINITY,
    slots: new Set(),
    target: null,
  };
}

/** The claim that counts, and what it is worth. */
export interface EffectiveClaim {
  readonly source: Source;
  readonly claim: Claim;
  readonly availability: Availability;
}

/** Null when no claim is worth anything. */
export function effectiveClaim(
  slot: Slot,
  { nodeGraceMs, graceMs }: { readonly nodeGraceMs: number; readonly graceMs: number },
): EffectiveClaim | null {
  for (const source of SOURCES) {
    const claim = slot.claims[source];
    if (claim === null) continue;
    const doubt = source === 'native' || source === 'informer' ? doubtOf(slot.host, claim) : null;
    if (doubt !== null && graceMs - doubt.sinceMs >= nodeGraceMs) continue;
    const suspect = doubt?.suspect === true || claim.outOfReach;
    return { source, claim, availability: suspect ? 'suspect' : 'up' };
  }
  return null;
}

/** Why the claim is doubtful, because its node went away or began a new life; null when it is not. */
function doubtOf(host: Host, claim: Claim): { readonly sinceMs: number; readonly suspect: boolean } | null {
  const { lost, signMs } = host;
  if (lost !== null && claim.liveSequence <= lost.sequence) {
    // What answers after its will fired is alive, and has its grace from the last answer on.
    return { sinceMs: Math.max(lost.atMs, signMs), suspect: lost.doubted && signMs <= lost.atMs };
  }
  const boot = host.node?.boot ?? null;
  const earlierLife = boot !== null && claim.boot !== null && claim.boot !== boot;
  return earlierLife ? { sinceMs: host.bootAtMs, suspect: true } : null;
}

/** Whether some native announcement of the host, node or instance, was heard after `sequence`. */
export function heardAfter(host: Host, sequence: number): boolean {
  return host.sequence > sequence || instancesHeardAfter(host, sequence);
}

export function instancesHeardAfter(host: Host, sequence: number): boolean {
  return [...host.slots].some((slot) => (slot.claims.native?.sequence ?? 0) > sequence);
}

/** Whether a qedge speaks, or spoke, for this host: then its absence means something. */
export function hasQedge(host: Host): boolean {
  return host.node !== null || [...host.slots].some((slot) => (slot.claims.native?.boot ?? null) !== null);
}

/** Null when there is nothing to measure. */
export function probeTarget(host: Host, isOwn: boolean): ProbeTarget | null {
  const { address = null, probePort = null, probeTls = false } = host.node ?? {};
  if (!isOwn && address !== null && probePort !== null) {
    const endpoint = { host: address, port: probePort };
    return probeTls ? { ping: null, connect: [endpoint] } : { ping: endpoint, connect: [] };
  }
  const endpoints = new Map<string, HostPort>();
  for (const { reported } of host.slots) {
    if (endpoints.size >= ENDPOINTS_MAX) break;
    if (reported !== null) {
      endpoints.set(`${reported.instance.host} ${reported.instance.port}`, {
        host: reported.instance.host,
        port: reported.instance.port,
      });
    }
  }
  return endpoints.size === 0 ? null : { ping: null, connect: [...endpoints.values()] };
}
