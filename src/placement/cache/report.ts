// What the cache reports to the outside: only what is another than was reported last.

import { isDeepStrictEqual } from 'node:util';
import type { DeviceLoad, Instance, InstanceSource, Node, PlacementUpdate } from '../../core/domain.ts';
import type { ProbeTarget } from '../../net/endpoint.ts';
import { type EffectiveClaim, type Host, probeTarget, type Slot, type Source } from './records.ts';

/** What happened to a node, for the event log, the reach and policies. */
export type NodeEvent =
  /** It came, came back, or said something new of itself. */
  | { readonly kind: 'node-set'; readonly node: Node }
  /** It announced its load again. */
  | { readonly kind: 'node-load'; readonly nodeId: string; readonly load: DeviceLoad }
  /** Its last will fired: its instances are suspect for the grace period. */
  | { readonly kind: 'node-lost'; readonly nodeId: string }
  /** It stayed away for longer than the grace period. */
  | { readonly kind: 'node-removed'; readonly nodeId: string };

export interface PlacementReportOptions {
  /** This node: it knows better than the broker whether it is alive. */
  readonly nodeId: string;
  readonly onUpdate: (service: string, update: PlacementUpdate) => void;
  readonly onNode: (event: NodeEvent) => void;
  /** Where to measure the node now; null when there is nothing left to measure. */
  readonly onTarget: (nodeId: string, target: ProbeTarget | null) => void;
}

export class PlacementReport {
  readonly #options: PlacementReportOptions;

  constructor(options: PlacementReportOptions) {
    this.#options = options;
  }

  onNode(event: NodeEvent): void {
    this.#options.onNode(event);
  }

  isOwn(nodeId: string): boolean {
    return nodeId === this.#options.nodeId;
  }

  /** The node said something of itself; `before` null: it was not there. */
  node(before: Node | null, node: Node): void {
    const { load = null, ...facts } = node;
    const { load: loadBefore = null, ...factsBefore } = before ?? {};
    if (!isDeepStrictEqual(facts, factsBefore)) this.onNode({ kind: 'node-set', node });
    else if (load !== null && !isDeepStrictEqual(load, loadBefore)) {
      this.onNode({ kind: 'node-load', nodeId: node.id, load });
    }
  }

  /** What an instance is taken for now; `effective` null: it is gone. */
  instance(slot: Slot, effective: EffectiveClaim | null): void {
    const before = slot.reported;
    if (effective === null) {
      slot.reported = null;
      if (before !== null) this.#options.onUpdate(slot.service, { kind: 'instance-removed', key: slot.key });
      return;
    }
    const { source, claim, availability } = effective;
    const { instance } = claim;
    slot.reported = { instance, source, availability };
    const { service, key } = slot;
    const changed = before?.source !== source || !isSameInstance(before.instance, instance);
    if (changed)
      this.#options.onUpdate(service, { kind: 'instance-set', instance: { ...instance, source: WORDS[source] } });
    // A repeated instance counts as available to its receiver, so any doubt is repeated with it.
    if (availability !== (before?.availability ?? 'up') || (changed && availability !== 'up')) {
      this.#options.onUpdate(service, { kind: 'instance-availability', key, availability });
    }
  }

  /** Where the node is measured, when that changed. */
  target(host: Host): void {
    // Where a qedge answers, instances come and go without changing where it is probed.
    const { node, target: before } = host;
    const samePing = before?.ping?.host === node?.address && before?.ping?.port === node?.probePort;
    if (before?.ping && samePing && node?.probeTls !== true) return;
    const target = probeTarget(host, this.isOwn(host.nodeId));
    if (isDeepStrictEqual(target, host.target)) return;
    host.target = target;
    this.#options.onTarget(host.nodeId, target);
  }
}

/** Sources in the words of people. */
const WORDS: Readonly<Record<Source, InstanceSource>> = {
  static: 'config',
  local: 'announce',
  file: 'file',
  docker: 'docker',
  native: 'mqtt',
  informer: 'informer',
  dns: 'dns',
  mdns: 'mdns',
};

/** The name is the same already. */
function isSameInstance(a: Instance, b: Instance): boolean {
  if (a.host !== b.host || a.port !== b.port || a.scheme !== b.scheme || a.rttMs !== b.rttMs) return false;
  return isDeepStrictEqual(a.labels, b.labels) && isDeepStrictEqual(a.profile, b.profile);
}
