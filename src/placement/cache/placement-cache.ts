// What is known of where instances run, from every source at once: what sources claim (claims.ts), and which nodes are there
// (presence.ts). Pure: time is an argument, changes come out as events.

import { assertNever } from '../../core/assert.ts';
import type { Availability, Instance, InstanceKey, Node } from '../../core/domain.ts';
import type { PlacementMessage } from '../messages/message.ts';
import { type CacheBounds, Claims } from './claims.ts';
import type { PlacementCacheExport } from './export.ts';
import { GraceClock } from './grace-clock.ts';
import { Presence, type PresenceOptions } from './presence.ts';
import { KEPT, type KeptSource, type Source } from './records.ts';
import type { PlacementReportOptions } from './report.ts';
import { Tombstones } from './tombstones.ts';

/** What a cache is made from. */
export type PlacementCacheOptions = PlacementReportOptions & CacheBounds & Pick<PresenceOptions, 'answeredMs'>;

/** What the configuration admits of that which is known. */
export interface Review {
  readonly admits: (instance: Instance, source: KeptSource) => boolean;
  /** The node as it may be known; the same object where nothing is wrong with it. */
  readonly ofNode: (node: Node) => Node;
}

/** An instance as it was last reported. */
export interface InstanceView {
  readonly key: InstanceKey;
  readonly instance: Instance;
  readonly source: Source;
  readonly availability: Availability;
}

/** What is known of instances and nodes, from all sources. Times are real time, ms. */
export class PlacementCache {
  readonly claims: Claims;
  readonly presence: Presence;
  readonly #grace = new GraceClock();
  readonly #tombstones = new Tombstones();

  constructor(options: PlacementCacheOptions) {
    const grace = this.#grace;
    this.claims = new Claims({ ...options, grace, waitsFor: (host) => this.presence.waitsFor(host) });
    this.presence = new Presence({ ...options, grace, claims: this.claims });
  }

  /** Grace periods that run keep to the old one; routers keep the number of instances of the start, and so does this. */
  configure({ nodeGraceMs }: Pick<CacheBounds, 'nodeGraceMs'>): void {
    this.claims.bounds = { nodeGraceMs, instancesMax: this.claims.bounds.instancesMax };
  }

  /**
   * Takes a message in. `retained`: it comes from the broker's memory, so it does not show that its publisher lives.
   * Returns why it had to be refused (a bound was reached), or null.
   */
  apply(message: PlacementMessage, { nowMs, retained }: { nowMs: number; retained: boolean }): string | null {
    const { claims, presence } = this;
    switch (message.kind) {
      case 'node-set':
        return presence.setNode(message.node, nowMs);
      case 'node-cleared':
        presence.clearNode(message.nodeId, nowMs);
        return null;
      case 'instance-set':
        return claims.set('native', message.instance, { boot: message.boot, nowMs, retained });
      case 'instance-cleared':
        presence.noteDeparture(message, nowMs);
        return claims.remove('native', message, nowMs);
      case 'informer-set':
        if (!message.fresh && this.#tombstones.has(message.instance, nowMs)) return null;
        this.#tombstones.raise(message.instance);
        return claims.set('informer', message.instance, { nowMs });
      case 'informer-pending':
        return null;
      case 'informer-cleared':
        if (message.final) this.#tombstones.bury(message, nowMs);
        return claims.remove('informer', message, nowMs);
      default:
        return assertNever(message);
    }
  }

  /** Every instance that the outside knows of. */
  instances(): readonly InstanceView[] {
    return this.claims.table.slots().flatMap(({ key, reported }) => (reported === null ? [] : [{ key, ...reported }]));
  }

  /** Whether the node is announced, lost or not. */
  hasNode(nodeId: string): boolean {
    return (this.claims.table.host(nodeId)?.node ?? null) !== null;
  }

  /** Every announced node, and whether its will fired. */
  nodes(): readonly { readonly node: Node; readonly lost: boolean }[] {
    const hosts = this.claims.table.hosts();
    return hosts.flatMap(({ node, lost }) => (node === null ? [] : [{ node, lost: lost !== null }]));
  }

  export(nowMs: number): PlacementCacheExport {
    const { table } = this.claims;
    const graceMs = this.#grace.at(nowMs);
    return {
      version: 1,
      nodes: table
        .hosts()
        .flatMap(({ node, lost }) =>
          node === null ? [] : [{ node, lostForMs: lost === null ? null : graceMs - lost.atMs }],
        ),
      instances: table.slots().flatMap(({ claims }) =>
        KEPT.flatMap((source) => {
          const claim = claims[source];
          return claim === null ? [] : [{ source, instance: claim.instance, boot: claim.boot }];
        }),
      ),
    };
  }

  /** Takes back an export that is `ageMs` old. What was heard since stands; the next snapshot sorts out the rest. */
  import(saved: PlacementCacheExport, { ageMs, nowMs }: { ageMs: number; nowMs: number }): void {
    for (const { node, lostForMs } of saved.nodes) this.presence.restore(node, { lostForMs, ageMs, nowMs });
    for (const { source, instance, boot } of saved.instances) {
      this.claims.restore(source, { instance, boot, sequence: 0, liveSequence: 0, outOfReach: false }, nowMs);
    }
  }

  /** Forgets what other nodes announced and is not admitted any more. */
  review({ admits, ofNode }: Review, nowMs: number): void {
    const { table, report } = this.claims;
    this.claims.review(KEPT, admits, nowMs);
    for (const host of table.hosts()) {
      if (host.node === null || report.isOwn(host.nodeId)) continue;
      const node = ofNode(host.node);
      if (node === host.node) continue;
      host.node = node;
      report.onNode({ kind: 'node-set', node });
      report.target(host);
    }
  }
}
