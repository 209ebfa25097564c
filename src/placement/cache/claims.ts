// Which source claims that an instance is there, which of these claims counts, and what is reported of it. Pure.

import type { Instance } from '../../core/domain.ts';
import type { InstanceName } from '../messages/instance-name.ts';
import type { GraceClock } from './grace-clock.ts';
import { type Claim, DISCOVERED, effectiveClaim, type Host, type Slot, type Source } from './records.ts';
import { PlacementReport, type PlacementReportOptions } from './report.ts';
import { PlacementTable } from './table.ts';
import { Twins } from './twins.ts';

/** A reload changes the first alone. */
export interface CacheBounds {
  /** How long a node that left may stay away before its instances are dropped, ms. */
  readonly nodeGraceMs: number;
  /** Bound on announced instances of one service, and on nodes. */
  readonly instancesMax: number;
}

/** What claims are made from. */
export interface ClaimsOptions extends PlacementReportOptions, CacheBounds {
  readonly grace: GraceClock;
  /** Whether a grace period of the node runs: then it is not forgotten. */
  readonly waitsFor: (host: Host) => boolean;
}

/** How a source said that an instance is there. */
export interface SetOptions {
  /** Real time, ms. */
  readonly nowMs: number;
  readonly boot?: string | null;
  /** It comes from the broker's memory, so it does not show that its publisher lives. */
  readonly retained?: boolean;
  /** Its node is too far away to be of use. */
  readonly outOfReach?: boolean;
}

/** Which part of the broker's memory a snapshot shows. */
export interface SyncScope {
  /** Every node topic, or none. */
  readonly nodes: boolean;
  /** Whether the instances of this service on this node are shown. */
  readonly covers: (nodeId: string, service: string) => boolean;
}

/** The claims of all sources. Times are real time, ms. */
export class Claims {
  readonly table = new PlacementTable();
  readonly report: PlacementReport;
  bounds: CacheBounds;
  readonly #grace: GraceClock;
  readonly #waitsFor: (host: Host) => boolean;
  readonly #twins = new Twins();
  #sequence = 0;

  constructor(options: ClaimsOptions) {
    this.bounds = options;
    this.report = new PlacementReport(options);
    this.#grace = options.grace;
    this.#waitsFor = options.waitsFor;
  }

  /** Messages taken in so far. */
  get sequence(): number {
    return this.#sequence;
  }

  /** One message more; returns its number. */
  nextSequence(): number {
    return ++this.#sequence;
  }

  /** One source says that the instance is there, as described. Returns why it was refused, or null. */
  set(
    source: Source,
    instance: Instance,
    { nowMs, boot = null, retained = false, outOfReach = false }: SetOptions,
  ): string | null {
    const { instancesMax } = this.bounds;
    const bounded = source !== 'static' && source !== 'local';
    const slot = this.table.addSlot(instance, bounded ? instancesMax : Number.POSITIVE_INFINITY);
    if (slot === null) return `more than ${instancesMax} instances of ${instance.service} (placement.instances_max)`;
    const sequence = this.nextSequence();
    const liveSequence = retained ? (slot.claims[source]?.liveSequence ?? 0) : sequence;
    this.#put(slot, source, { claim: { instance, boot, sequence, liveSequence, outOfReach }, nowMs });
    return null;
  }

  /** One source says that the instance is gone. */
  remove(source: Source, name: InstanceName, nowMs: number): null {
    const slot = this.table.slot(name);
    if (slot !== undefined && slot.claims[source] !== null) this.#put(slot, source, { claim: null, nowMs });
    return null;
  }

  /** Takes a claim back as it was, where its source has no newer one and the bound admits it. */
  restore(source: Source, claim: Claim, nowMs: number): void {
    const slot = this.table.addSlot(claim.instance, this.bounds.instancesMax);
    if (slot !== null && slot.claims[source] === null) this.#put(slot, source, { claim, nowMs });
  }

  /** The claim of one source; null without one. */
  claimOf(source: Source, name: InstanceName): Claim | null {
    return this.table.slot(name)?.claims[source] ?? null;
  }

  /** Instances that the source claims. */
  instancesOf(source: Source): readonly Instance[] {
    return this.table.slots().flatMap(({ claims }) => claims[source]?.instance ?? []);
  }

  /** Drops the claims of these sources that are not admitted. */
  review<S extends Source>(
    sources: readonly S[],
    admits: (instance: Instance, source: S) => boolean,
    nowMs: number,
  ): void {
    for (const slot of this.table.slots()) {
      for (const source of sources) {
        const claim = slot.claims[source];
        if (claim !== null && !admits(claim.instance, source)) this.#put(slot, source, { claim: null, nowMs });
      }
    }
  }

  /** Drops what the broker claims of the host and has not said since message `since`, where `covers` says it would have. */
  dropUnheard(
    host: Host,
    { since, covers, nowMs }: { readonly since: number; readonly covers: SyncScope['covers']; readonly nowMs: number },
  ): void {
    for (const slot of [...host.slots]) {
      const { native } = slot.claims;
      if (native === null || native.sequence > since || !covers(host.nodeId, slot.service)) continue;
      this.#put(slot, 'native', { claim: null, nowMs });
    }
  }

  /** Forgets a service: nothing more is reported about it, not even its removal. */
  forgetService(service: string): void {
    for (const slot of this.table.slots()) {
      if (slot.service !== service) continue;
      this.#twins.place(slot, null);
      this.table.dropSlot(slot);
      this.report.target(slot.host);
      this.sweep(slot.host);
    }
  }

  /** No longer subscribed to: what is known of these instances may be out of date from now on. */
  leaveReach(nodeId: string, service: string, nowMs: number): void {
    for (const slot of this.#slotsOf(nodeId, service)) {
      const { native } = slot.claims;
      if (native !== null) this.#put(slot, 'native', { claim: { ...native, outOfReach: true }, nowMs });
    }
  }

  /** A node is near enough for the service, or too far away: it concerns what was found there beside the broker. */
  observeReach({ nodeId, service }: { nodeId: string; service: string }, near: boolean, nowMs: number): void {
    for (const slot of this.#slotsOf(nodeId, service)) {
      for (const source of DISCOVERED) {
        const claim = slot.claims[source];
        if (claim !== null && claim.outOfReach === near) slot.claims[source] = { ...claim, outOfReach: !near };
      }
      this.refresh(slot, nowMs);
    }
  }

  /** Weighs every claim on the host again: what is known of the node itself changed. */
  refreshAll(host: Host, nowMs: number): void {
    for (const slot of [...host.slots]) this.refresh(slot, nowMs);
    this.report.target(host);
  }

  /** Reports what changed about one instance, and forgets it when no source claims it any more. */
  refresh(slot: Slot, nowMs: number): void {
    const effective = effectiveClaim(slot, {
      nodeGraceMs: this.bounds.nodeGraceMs,
      graceMs: this.#grace.at(nowMs),
    });
    const place = effective === null ? null : { instance: effective.claim.instance, source: effective.source };
    const concerned = this.#twins.place(slot, place);
    const before = slot.reported;
    this.report.instance(slot, this.#twins.hides(slot) ? null : effective);
    if (Object.values(slot.claims).every((claim) => claim === null)) {
      this.table.dropSlot(slot);
    }
    if (slot.reported !== before) this.report.target(slot.host);
    this.sweep(slot.host);
    for (const twin of concerned) this.refresh(twin, nowMs);
  }

  /** Forgets a host that nothing is known of any more. */
  sweep(host: Host): void {
    if (host.node !== null || host.slots.size > 0 || this.#waitsFor(host)) return;
    this.table.dropHost(host);
  }

  #put(slot: Slot, source: Source, { claim, nowMs }: { readonly claim: Claim | null; readonly nowMs: number }): void {
    slot.claims[source] = claim;
    this.refresh(slot, nowMs);
  }

  #slotsOf(nodeId: string, service: string): readonly Slot[] {
    return [...(this.table.host(nodeId)?.slots ?? [])].filter((slot) => slot.service === service);
  }
}
