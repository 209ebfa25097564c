// Which nodes are there, and what the absence of one is worth. Pure.
//
// The broker holds state, the cache remembers it, and losing the broker loses nothing. Two things make an instance go:
// a removal, and being absent from a snapshot of the retained topics taken after a reconnect. Absence is weighed:
// where the broker remembers something else of the node, the instance is gone; where it remembers nothing of the node,
// it may have lost its memory, and the node gets the grace period to speak up again.
//
// A last will says that a connection to the broker ended, which may be the broker's own doing: it is void when ours ends
// at the same moment, and weighs less when most nodes leave together. Grace periods stand still while the broker is away
// (grace-clock.ts), and what answers, to pings or to requests, is alive, no matter what was heard.

import type { InstanceKey, Node } from '../../core/domain.ts';
import type { InstanceName } from '../messages/instance-name.ts';
import type { Claims, SyncScope } from './claims.ts';
import type { GraceClock } from './grace-clock.ts';
import { GraceWatch } from './grace-watch.ts';
import { RecentLosses } from './recent-losses.ts';
import { type Host, hasQedge, heardAfter, instancesHeardAfter, type Moment } from './records.ts';

/** What presence is made from. */
export interface PresenceOptions {
  readonly grace: GraceClock;
  readonly claims: Claims;
  /** When an instance last answered a request, as real time; -Infinity when it never did. Absent: no request is made. */
  readonly answeredMs?: (service: string, key: InstanceKey) => number;
}

/** Nodes that come, leave and come back. Times are real time, ms. */
export class Presence {
  readonly #grace: GraceClock;
  readonly #claims: Claims;
  readonly #losses = new RecentLosses();
  readonly #waiting: GraceWatch;
  /** Messages taken in before the connection that there is now; -1 before the first. */
  #connectedSequence = -1;
  /** The snapshot to come follows a connection that was lost: what it lacks, the broker may have lost. */
  #afterLoss = false;

  constructor({ grace, claims, answeredMs }: PresenceOptions) {
    this.#grace = grace;
    this.#claims = claims;
    this.#waiting = new GraceWatch(grace, answeredMs ?? null);
  }

  /** The node announces itself. Returns why it was refused, or null. */
  setNode(node: Node, nowMs: number): string | null {
    const { table, report, bounds } = this.#claims;
    if (report.isOwn(node.id)) return null;
    if (table.host(node.id) === undefined && table.hostCount >= bounds.instancesMax) {
      return `more than ${bounds.instancesMax} nodes (placement.instances_max)`;
    }
    const host = table.addHost(node.id);
    const before = host.lost === null ? host.node : null;
    if (host.node?.boot !== node.boot) host.bootAtMs = this.#grace.at(nowMs);
    host.node = node;
    host.sequence = this.#claims.nextSequence();
    host.lost = null;
    report.node(before, node);
    this.#schedule(host, nowMs);
    this.#claims.refreshAll(host, nowMs);
    return null;
  }

  /** The node's topic was cleared: its last will, most often. */
  clearNode(nodeId: string, nowMs: number): void {
    const host = this.#claims.table.host(nodeId);
    if (host !== undefined && !this.#claims.report.isOwn(nodeId)) this.#lose(host, nowMs);
  }

  /** The broker says that the instance is gone; to be taken back where the broker turns out to be the one that leaves. */
  noteDeparture(name: InstanceName, nowMs: number): void {
    const claim = this.#claims.claimOf('native', name);
    if (claim !== null) this.#losses.addClaim(claim, this.#grace.at(nowMs));
  }

  /** Takes a node back that was known `ageMs` ago, unless it was heard of since; `lostForMs`: what it was then, or null. */
  restore(node: Node, { lostForMs, ageMs, nowMs }: { lostForMs: number | null; ageMs: number; nowMs: number }): void {
    const { table, report, bounds } = this.#claims;
    if (report.isOwn(node.id) || table.host(node.id)?.node) return;
    if (table.hostCount >= bounds.instancesMax) return;
    const graceMs = this.#grace.at(nowMs);
    const host = table.addHost(node.id);
    host.node = node;
    host.bootAtMs = graceMs;
    host.lost = lostForMs === null ? null : { atMs: graceMs - lostForMs - ageMs, sequence: 0, doubted: true };
    report.onNode({ kind: 'node-set', node });
    this.#schedule(host, nowMs);
    report.target(host);
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
    for (const claim of claims) this.#claims.restore('native', claim, nowMs);
    for (const host of hosts) {
      if (host.lost === null) continue;
      host.lost = null;
      if (host.node !== null) this.#claims.report.onNode({ kind: 'node-set', node: host.node });
      this.#schedule(host, nowMs);
      this.#claims.refreshAll(host, nowMs);
    }
  }

  /** A broker is connected: grace periods go on. */
  brokerBack(nowMs: number): void {
    this.#grace.run(nowMs);
  }

  /** The node answered a probe. */
  nodeAnswered(nodeId: string, nowMs: number): void {
    const host = this.#claims.table.host(nodeId);
    if (host === undefined || (host.lost === null && host.missing === null)) return;
    host.signMs = this.#grace.at(nowMs);
    this.#schedule(host, nowMs);
    this.#claims.refreshAll(host, nowMs);
  }

  /** Where a snapshot begins: hand it to `endSync` once every retained message has come. */
  beginSync(): number {
    return this.#claims.sequence;
  }

  /** A snapshot is complete: what it should have shown and did not is gone, or has its grace period from now. */
  endSync(since: number, scope: SyncScope, nowMs: number): void {
    const hosts = this.#claims.table.hosts();
    if (scope.nodes) this.#connectedSequence = since;
    // Nothing of any node: the broker lost its memory, or is another one. What we know is the better knowledge.
    if (scope.nodes && !hosts.some((host) => heardAfter(host, since))) return;
    for (const host of hosts) {
      if (scope.nodes && host.sequence <= since) this.#miss(host, { since, nowMs });
      // What the broker has not said a word of since it is connected, it may have forgotten.
      if (heardAfter(host, this.#connectedSequence)) {
        this.#claims.dropUnheard(host, { since, covers: scope.covers, nowMs });
      }
    }
    if (scope.nodes) this.#afterLoss = false;
  }

  /** Ends the grace periods that are over. */
  tick(nowMs: number): void {
    for (const host of this.#waiting.due(nowMs)) {
      this.#waiting.look(host, nowMs);
      this.#endGrace(host, nowMs);
      this.#schedule(host, nowMs);
      this.#claims.sweep(host);
    }
  }

  /** When `tick` has something to do; +Infinity when no grace period runs. */
  get nextTickMs(): number {
    return this.#waiting.nextMs;
  }

  /** Whether a grace period of the node runs. */
  waitsFor(host: Host): boolean {
    return this.#waiting.has(host);
  }

  #schedule(host: Host, nowMs: number): void {
    this.#waiting.schedule(host, this.#claims.bounds.nodeGraceMs, nowMs);
  }

  #lose(host: Host, nowMs: number, doubted = true): void {
    if (host.lost !== null) return;
    const atMs = this.#grace.at(nowMs);
    host.lost = { atMs, sequence: this.#claims.nextSequence(), doubted };
    if (host.node !== null) this.#claims.report.onNode({ kind: 'node-lost', nodeId: host.nodeId });
    this.#schedule(host, nowMs);
    this.#claims.refreshAll(host, nowMs);
    for (const one of this.#losses.addHost(host, atMs, this.#claims.table.hostCount)) this.#doubtNoMore(one, nowMs);
  }

  /** It left with most others: grace runs, but until it ends the node counts as before. */
  #doubtNoMore(host: Host, nowMs: number): void {
    if (host.lost === null || !host.lost.doubted) return;
    host.lost = { ...host.lost, doubted: false };
    this.#claims.refreshAll(host, nowMs);
  }

  /** A snapshot came without the host's node topic. */
  #miss(host: Host, { since, nowMs }: { since: number; nowMs: number }): void {
    if (host.lost !== null) return;
    const remembered = instancesHeardAfter(host, since);
    // The broker still has its instances, so the will fired unheard; on a broker that is back, that was its own stop.
    if (remembered && hasQedge(host) && !this.#claims.report.isOwn(host.nodeId)) {
      this.#lose(host, nowMs, !(this.#afterLoss && host.node !== null));
    }
    if (remembered || host.missing !== null) return;
    host.missing = { atMs: this.#grace.at(nowMs), sequence: since };
    this.#schedule(host, nowMs);
  }

  #endGrace(host: Host, nowMs: number): void {
    const { lost, missing, signMs } = host;
    const graceMs = this.#grace.at(nowMs);
    const isOver = (since: Moment | null): boolean =>
      since !== null && graceMs - Math.max(since.atMs, signMs) >= this.#claims.bounds.nodeGraceMs;
    const unheard = isOver(missing) && host.sequence <= (missing?.sequence ?? 0);
    if (host.node !== null && (isOver(lost) || unheard)) {
      host.node = null;
      this.#claims.report.onNode({ kind: 'node-removed', nodeId: host.nodeId });
    }
    if (missing !== null && isOver(missing)) {
      host.missing = null;
      this.#claims.dropUnheard(host, { since: missing.sequence, covers: () => true, nowMs });
    }
    this.#claims.refreshAll(host, nowMs);
  }
}
