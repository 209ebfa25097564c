// What is known of where instances run, from every source at once. Pure: time is an argument, changes come out as events.
//
// The broker holds state, the cache remembers it, and losing the broker loses nothing. Two things make an instance go:
// a removal, and being absent from a snapshot of the retained topics taken after a reconnect. Absence is weighed:
// where the broker remembers something else of the node, the instance is gone; where it remembers nothing of the node,
// it may have lost its memory, and the node gets the grace period to speak up again.
//
// A last will says that a connection to the broker ended, which may be the broker's own doing: it is void when ours ends
// at the same moment, and weighs less when most nodes leave together. Grace periods stand still while the broker is away
// (grace-clock.ts), and what answers, to pings or to requests, is alive, no matter what was heard.
//
// Long because: the sources, the snapshots and the grace periods all decide about the same few records.

import { assertNever } from '../../core/assert.ts';
import type { Availability, Instance, InstanceKey, Node } from '../../core/domain.ts';
import type { PlacementMessage } from '../messages/message.ts';
import type { PlacementCacheExport } from './export.ts';
import { GraceClock } from './grace-clock.ts';
import { GraceWatch } from './grace-watch.ts';
import { RecentLosses } from './recent-losses.ts';
import {
  type Claim,
  DISCOVERED,
  effectiveClaim,
  type Host,
  hasQedge,
  heardAfter,
  instancesHeardAfter,
  KEPT,
  type Kept,
  type Moment,
  type Slot,
  type Source,
} from './records.ts';
import { PlacementReport, type PlacementReportOptions } from './report.ts';
import { type InstanceName, PlacementTable } from './table.ts';
import { Tombstones } from './tombstones.ts';
import { Twins } from './twins.ts';

export interface PlacementCacheOptions extends PlacementReportOptions {
  /** How long a node that left may stay away before its instances are dropped, ms. */
  readonly nodeGraceMs: number;
  /** Bound on announced instances of one service, and on nodes. */
  readonly instancesMax: number;
  /** When an instance last answered a request, as real time; -Infinity when it never did. Absent: no request is made. */
  readonly answeredMs?: (service: string, key: InstanceKey) => number;
}

/** What the configuration admits of that which is known. */
export interface Review {
  readonly admits: (instance: Instance, source: Kept) => boolean;
  /** The node as it may be known; the same object where nothing is wrong with it. */
  readonly ofNode: (node: Node) => Node;
}

/** Which part of the broker's memory a snapshot shows. */
export interface SyncScope {
  /** Every node topic, or none. */
  readonly nodes: boolean;
  /** Whether the instances of this service on this node are shown. */
  readonly covers: (nodeId: string, service: string) => boolean;
}

/** How a source said that an instance is there. */
export interface SetOptions {
  readonly nowMs: number;
  readonly boot?: string | null;
  readonly retained?: boolean;
  /** Its node is too far away to be of use. */
  readonly outOfReach?: boolean;
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
  #options: PlacementCacheOptions;
  readonly #table = new PlacementTable();
  readonly #tombstones = new Tombstones();
  readonly #grace = new GraceClock();
  readonly #losses = new RecentLosses();
  readonly #twins = new Twins();
  readonly #waiting: GraceWatch;
  readonly #report: PlacementReport;
  #sequence = 0;
  /** Messages taken in before the connection that there is now; -1 before the first. */
  #connectedSequence = -1;
  /** The snapshot to come follows a connection that was lost: what it lacks, the broker may have lost. */
  #afterLoss = false;

  constructor(options: PlacementCacheOptions) {
    this.#options = options;
    this.#waiting = new GraceWatch(this.#grace, options.answeredMs ?? null);
    this.#report = new PlacementReport(options);
  }

  /** The bounds of a reloaded configuration; grace periods that run keep to the old one. */
  configure(bounds: Pick<PlacementCacheOptions, 'nodeGraceMs' | 'instancesMax'>): void {
    this.#options = { ...this.#options, ...bounds };
  }

  /**
   * Takes a message in. `retained`: it comes from the broker's memory, so it does not show that its publisher lives.
   * Returns why it had to be refused (a bound was reached), or null.
   */
  apply(message: PlacementMessage, { nowMs, retained }: { nowMs: number; retained: boolean }): string | null {
    switch (message.kind) {
      case 'node-set':
        return this.#setNode(message.node, nowMs);
      case 'node-cleared':
        return this.#clearNode(message.nodeId, nowMs);
      case 'instance-set':
        return this.set('native', message.instance, { boot: message.boot, nowMs, retained });
      case 'instance-cleared':
        this.#noteDeparture(message, nowMs);
        return this.remove('native', message, nowMs);
      case 'informer-set':
        if (!message.fresh && this.#tombstones.holds(message.instance, nowMs)) return null;
        this.#tombstones.raise(message.instance);
        return this.set('informer', message.instance, { nowMs });
      case 'informer-pending':
        return null;
      case 'informer-cleared':
        if (message.final) this.#tombstones.bury(message, nowMs);
        return this.remove('informer', message, nowMs);
      default:
        return assertNever(message);
    }
  }

  /** One source says that the instance is there, as described. Returns why it was refused, or null. */
  set(
    source: Source,
    instance: Instance,
    { nowMs, boot = null, retained = false, outOfReach = false }: SetOptions,
  ): string | null {
    const bounded = source !== 'static' && source !== 'local';
    const slot = this.#table.addSlot(instance, bounded ? this.#options.instancesMax : Number.POSITIVE_INFINITY);
    if (slot === null) {
      return `more than ${this.#options.instancesMax} instances of ${instance.service} (placement.instances_max)`;
    }
    const sequence = ++this.#sequence;
    const liveSequence = retained ? (slot.claims[source]?.liveSequence ?? 0) : sequence;
    slot.claims[source] = { instance, boot, sequence, liveSequence, outOfReach };
    this.#refresh(slot, nowMs);
    return null;
  }

  /** One source says that the instance is gone. */
  remove(source: Source, name: InstanceName, nowMs: number): null {
    const slot = this.#table.slot(name);
    if (slot === undefined || slot.claims[source] === null) return null;
    slot.claims[source] = null;
    this.#refresh(slot, nowMs);
    return null;
  }

  /** Instances that the source claims. */
  instancesOf(source: Source): readonly Instance[] {
    return this.#table.slots().flatMap(({ claims }) => claims[source]?.instance ?? []);
  }

  /** Forgets a service: nothing more is reported about it, not even its removal. */
  forgetService(service: string): void {
    for (const slot of this.#table.slots()) {
      if (slot.service !== service) continue;
      this.#twins.place(slot, null);
      this.#table.dropSlot(slot);
      this.#report.target(slot.host);
      this.#sweep(slot.host);
    }
  }

  /** The broker is not connected: grace periods stand still. */
  brokerAway(nowMs: number): void {
    this.#grace.stop(nowMs);
  }

  /** The connection to the broker ended; `heardMs`: when anything last came over it. What was heard to leave then is void. */
  brokerLost({ nowMs, heardMs }: { readonly nowMs: number; readonly heardMs: number }): void {
    const { hosts, claims } = this.#losses.takeSince(this.#grace.at(heardMs));
    this.#afterLoss = true;
    this.brokerAway(nowMs);
    for (const claim of claims) this.#takeBackDeparture(claim, nowMs);
    for (const host of hosts) {
      if (host.lost === null) continue;
      host.lost = null;
      if (host.node !== null) this.#report.onNode({ kind: 'node-set', node: host.node });
      this.#waiting.schedule(host, this.#options.nodeGraceMs, nowMs);
      this.#refreshAll(host, nowMs);
    }
  }

  /** A broker is connected: grace periods go on. */
  brokerBack(nowMs: number): void {
    this.#grace.run(nowMs);
  }

  /** The node answered a probe. */
  nodeAnswered(nodeId: string, nowMs: number): void {
    const host = this.#table.host(nodeId);
    if (host === undefined || (host.lost === null && host.missing === null)) return;
    host.signMs = this.#grace.at(nowMs);
    this.#waiting.schedule(host, this.#options.nodeGraceMs, nowMs);
    this.#refreshAll(host, nowMs);
  }

  /** Where a snapshot begins: hand it to `endSync` once every retained message has come. */
  beginSync(): number {
    return this.#sequence;
  }

  /** A snapshot is complete: what it should have shown and did not is gone, or has its grace period from now. */
  endSync(since: number, scope: SyncScope, nowMs: number): void {
    const hosts = this.#table.hosts();
    if (scope.nodes) this.#connectedSequence = since;
    // Nothing of anyone: the broker lost its memory, or is another one. What we know is the better knowledge.
    if (scope.nodes && !hosts.some((host) => heardAfter(host, since))) return;
    for (const host of hosts) {
      if (scope.nodes && host.sequence <= since) this.#missHost(host, { since, nowMs });
      // What the broker has not said a word of since it is connected, it may have forgotten.
      if (heardAfter(host, this.#connectedSequence)) this.#dropUnheard(host, { since, covers: scope.covers, nowMs });
    }
    if (scope.nodes) this.#afterLoss = false;
  }

  /** No longer subscribed to: what is known of these instances may be out of date from now on. */
  leaveReach(nodeId: string, service: string, nowMs: number): void {
    for (const slot of [...(this.#table.host(nodeId)?.slots ?? [])]) {
      if (slot.service !== service || slot.claims.native === null) continue;
      slot.claims.native = { ...slot.claims.native, outOfReach: true };
      this.#refresh(slot, nowMs);
    }
  }

  /** A node is near enough for the service, or too far away: it concerns what was found there beside the broker. */
  observeReach({ nodeId, service }: { nodeId: string; service: string }, near: boolean, nowMs: number): void {
    for (const slot of [...(this.#table.host(nodeId)?.slots ?? [])]) {
      if (slot.service !== service) continue;
      for (const source of DISCOVERED) {
        const claim = slot.claims[source];
        if (claim !== null && claim.outOfReach === near) slot.claims[source] = { ...claim, outOfReach: !near };
      }
      this.#refresh(slot, nowMs);
    }
  }

  /** Ends the grace periods that are over. */
  tick(nowMs: number): void {
    for (const host of this.#waiting.due(nowMs)) {
      this.#waiting.look(host, nowMs);
      this.#endGrace(host, nowMs);
      this.#waiting.schedule(host, this.#options.nodeGraceMs, nowMs);
      this.#sweep(host);
    }
  }

  /** When `tick` has something to do; +Infinity when no grace period runs. */
  get nextTickMs(): number {
    return this.#waiting.nextMs;
  }

  /** Every instance that the outside knows of. */
  instances(): readonly InstanceView[] {
    return this.#table.slots().flatMap(({ key, reported }) => (reported === null ? [] : [{ key, ...reported }]));
  }

  /** Whether the node is announced, lost or not. */
  hasNode(nodeId: string): boolean {
    return (this.#table.host(nodeId)?.node ?? null) !== null;
  }

  /** Every announced node, and whether its will fired. */
  nodes(): readonly { readonly node: Node; readonly lost: boolean }[] {
    return this.#table.hosts().flatMap(({ node, lost }) => (node === null ? [] : [{ node, lost: lost !== null }]));
  }

  export(nowMs: number): PlacementCacheExport {
    return {
      version: 1,
      nodes: this.#table
        .hosts()
        .flatMap(({ node, lost }) =>
          node === null ? [] : [{ node, lostForMs: lost === null ? null : this.#grace.at(nowMs) - lost.atMs }],
        ),
      instances: this.#table.slots().flatMap(({ claims }) =>
        KEPT.flatMap((source) => {
          const claim = claims[source];
          return claim === null ? [] : [{ source, instance: claim.instance, boot: claim.boot }];
        }),
      ),
    };
  }

  /** Takes back an export that is `ageMs` old. What was heard since stands; the next snapshot sorts out the rest. */
  import(saved: PlacementCacheExport, { ageMs, nowMs }: { ageMs: number; nowMs: number }): void {
    const graceMs = this.#grace.at(nowMs);
    for (const { node, lostForMs } of saved.nodes) {
      if (this.#report.isOwn(node.id) || this.#table.host(node.id)?.node) continue;
      if (this.#table.hostCount >= this.#options.instancesMax) break;
      const host = this.#table.addHost(node.id);
      host.node = node;
      host.bootAtMs = graceMs;
      host.lost = lostForMs === null ? null : { atMs: graceMs - lostForMs - ageMs, sequence: 0, doubted: true };
      this.#report.onNode({ kind: 'node-set', node });
      this.#waiting.schedule(host, this.#options.nodeGraceMs, nowMs);
      this.#report.target(host);
    }
    for (const { source, instance, boot } of saved.instances) {
      const slot = this.#table.addSlot(instance, this.#options.instancesMax);
      if (slot === null || slot.claims[source] !== null) continue;
      slot.claims[source] = { instance, boot, sequence: 0, liveSequence: 0, outOfReach: false };
      this.#refresh(slot, nowMs);
    }
  }

  /** Forgets what other nodes announced and is not admitted any more. */
  review({ admits, ofNode }: Review, nowMs: number): void {
    for (const slot of this.#table.slots()) {
      for (const source of KEPT) {
        const claim = slot.claims[source];
        if (claim === null || admits(claim.instance, source)) continue;
        slot.claims[source] = null;
        this.#refresh(slot, nowMs);
      }
    }
    for (const host of this.#table.hosts()) {
      if (host.node === null || this.#report.isOwn(host.nodeId)) continue;
      const node = ofNode(host.node);
      if (node === host.node) continue;
      host.node = node;
      this.#report.onNode({ kind: 'node-set', node });
      this.#report.target(host);
    }
  }

  #setNode(node: Node, nowMs: number): string | null {
    if (this.#report.isOwn(node.id)) return null;
    if (this.#table.host(node.id) === undefined && this.#table.hostCount >= this.#options.instancesMax) {
      return `more than ${this.#options.instancesMax} nodes (placement.instances_max)`;
    }
    const host = this.#table.addHost(node.id);
    const before = host.lost === null ? host.node : null;
    if (host.node?.boot !== node.boot) host.bootAtMs = this.#grace.at(nowMs);
    host.node = node;
    host.sequence = ++this.#sequence;
    host.lost = null;
    this.#report.node(before, node);
    this.#waiting.schedule(host, this.#options.nodeGraceMs, nowMs);
    this.#refreshAll(host, nowMs);
    return null;
  }

  #clearNode(nodeId: string, nowMs: number): null {
    const host = this.#table.host(nodeId);
    if (host === undefined || this.#report.isOwn(nodeId)) return null;
    this.#loseHost(host, nowMs);
    return null;
  }

  #loseHost(host: Host, nowMs: number, doubted = true): void {
    if (host.lost !== null) return;
    const atMs = this.#grace.at(nowMs);
    host.lost = { atMs, sequence: ++this.#sequence, doubted };
    if (host.node !== null) this.#report.onNode({ kind: 'node-lost', nodeId: host.nodeId });
    this.#waiting.schedule(host, this.#options.nodeGraceMs, nowMs);
    this.#refreshAll(host, nowMs);
    for (const one of this.#losses.addHost(host, atMs, this.#table.hostCount)) this.#doubtNoMore(one, nowMs);
  }

  /** It left with most others: grace runs, but until it ends the node counts as before. */
  #doubtNoMore(host: Host, nowMs: number): void {
    if (host.lost === null || !host.lost.doubted) return;
    host.lost = { ...host.lost, doubted: false };
    this.#refreshAll(host, nowMs);
  }

  /** A snapshot came without the host's node topic. */
  #missHost(host: Host, { since, nowMs }: { since: number; nowMs: number }): void {
    if (host.lost !== null) return;
    const remembered = instancesHeardAfter(host, since);
    // The broker still has its instances, so the will fired unheard; on a broker that is back, that was its own stop.
    if (remembered && hasQedge(host) && !this.#report.isOwn(host.nodeId)) {
      this.#loseHost(host, nowMs, !(this.#afterLoss && host.node !== null));
    }
    if (remembered || host.missing !== null) return;
    host.missing = { atMs: this.#grace.at(nowMs), sequence: since };
    this.#waiting.schedule(host, this.#options.nodeGraceMs, nowMs);
  }

  #dropUnheard(
    host: Host,
    { since, covers, nowMs }: { since: number; covers: SyncScope['covers']; nowMs: number },
  ): void {
    for (const slot of [...host.slots]) {
      const { native } = slot.claims;
      if (native === null || native.sequence > since || !covers(host.nodeId, slot.service)) continue;
      slot.claims.native = null;
      this.#refresh(slot, nowMs);
    }
  }

  #endGrace(host: Host, nowMs: number): void {
    const { lost, missing, signMs } = host;
    const graceMs = this.#grace.at(nowMs);
    const isOver = (since: Moment | null): boolean =>
      since !== null && graceMs - Math.max(since.atMs, signMs) >= this.#options.nodeGraceMs;
    const unheard = isOver(missing) && host.sequence <= (missing?.sequence ?? 0);
    if (host.node !== null && (isOver(lost) || unheard)) {
      host.node = null;
      this.#report.onNode({ kind: 'node-removed', nodeId: host.nodeId });
    }
    if (missing !== null && isOver(missing)) {
      host.missing = null;
      this.#dropUnheard(host, { since: missing.sequence, covers: () => true, nowMs });
    }
    this.#refreshAll(host, nowMs);
  }

  #noteDeparture(name: InstanceName, nowMs: number): void {
    const claim = this.#table.slot(name)?.claims.native ?? null;
    if (claim !== null) this.#losses.addClaim(claim, this.#grace.at(nowMs));
  }

  #takeBackDeparture(claim: Claim, nowMs: number): void {
    const slot = this.#table.addSlot(claim.instance, this.#options.instancesMax);
    if (slot === null || slot.claims.native !== null) return;
    slot.claims.native = claim;
    this.#refresh(slot, nowMs);
  }

  #refreshAll(host: Host, nowMs: number): void {
    for (const slot of [...host.slots]) this.#refresh(slot, nowMs);
    this.#report.target(host);
  }

  /** Reports what changed about one instance, and forgets it when no source claims it any more. */
  #refresh(slot: Slot, nowMs: number): void {
    const effective = effectiveClaim(slot, {
      nodeGraceMs: this.#options.nodeGraceMs,
      graceMs: this.#grace.at(nowMs),
    });
    const place = effective === null ? null : { instance: effective.claim.instance, source: effective.source };
    const concerned = this.#twins.place(slot, place);
    const before = slot.reported;
    this.#report.instance(slot, this.#twins.hides(slot) ? null : effective);
    if (Object.values(slot.claims).every((claim) => claim === null)) {
      this.#table.dropSlot(slot);
    }
    if (slot.reported !== before) this.#report.target(slot.host);
    this.#sweep(slot.host);
    for (const twin of concerned) this.#refresh(twin, nowMs);
  }

  /** Forgets a host that nothing is known of any more. */
  #sweep(host: Host): void {
    if (host.node !== null || host.slots.size > 0 || this.#waiting.holds(host)) return;
    this.#table.dropHost(host);
  }
}
