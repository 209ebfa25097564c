// State ↔ rows. Pure. What a router learned is one row for the service and one for each of its instances, so that what
// did not change is not written again.

import type { RouterSnapshot } from '../../core/service-router.ts';
import type { PlacedInstance, PlacedNode, PlacementState } from '../state.ts';
import { readInstance, readNode } from './schema.ts';

export interface LearnedRows {
  /** The snapshot less what it holds of instances. */
  readonly service: string;
  /** Instance key → what was learned of it. */
  readonly instances: ReadonlyMap<string, string>;
}

type Table = Readonly<Record<string, unknown>>;

const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Splits a snapshot: `Policy.snapshot` keeps what is of an instance under `instances`, by its key. */
export function splitSnapshot(snapshot: RouterSnapshot): LearnedRows {
  const { policy } = snapshot;
  const instances = new Map<string, string>();
  if (!isTable(policy) || !isTable(policy.instances)) return { service: JSON.stringify(snapshot), instances };
  for (const [key, learned] of Object.entries(policy.instances)) instances.set(key, JSON.stringify(learned));
  return { service: JSON.stringify({ ...snapshot, policy: { ...policy, instances: {} } }), instances };
}

/** The inverse: `instances` holds what was learned of each, by its key. */
export function joinSnapshot(snapshot: RouterSnapshot, instances: ReadonlyMap<string, unknown>): RouterSnapshot {
  const { policy } = snapshot;
  if (!isTable(policy) || instances.size === 0) return snapshot;
  return { ...snapshot, policy: { ...policy, instances: Object.fromEntries(instances) } };
}

/** A thing that was placed, with its row's id. */
export type PlacementRow =
  | { readonly id: string; readonly kind: 'node'; readonly fact: PlacedNode }
  | { readonly id: string; readonly kind: 'instance'; readonly fact: PlacedInstance };

export function placementRows({ nodes, instances }: PlacementState): PlacementRow[] {
  return [...nodes.map(nodeRow), ...instances.map(instanceRow)];
}

function nodeRow(fact: PlacedNode): PlacementRow {
  return { id: JSON.stringify(['node', fact.node.id]), kind: 'node', fact };
}

/** Ids of instances by the objects that describe them: thousands are asked for at every flush, few are new. */
const instanceIds = new WeakMap<object, string>();

function instanceRow(fact: PlacedInstance): PlacementRow {
  const { service, nodeId, id } = fact.instance;
  let name = instanceIds.get(fact.instance);
  if (name === undefined) {
    name = JSON.stringify([service, nodeId, id]);
    instanceIds.set(fact.instance, name);
  }
  return { id: `${fact.source}${name}`, kind: 'instance', fact };
}

/** True when both say the same without looking into them: the cache replaces what changes, and never alters it. */
export function isSameFact(a: PlacementRow, b: PlacementRow): boolean {
  if (a.kind === 'node' && b.kind === 'node') {
    return a.fact.node === b.fact.node && a.fact.lostForMs === b.fact.lostForMs;
  }
  return (
    a.kind === 'instance' && b.kind === 'instance' && a.fact.instance === b.fact.instance && a.fact.boot === b.fact.boot
  );
}

/** A fact from its row; null for one that does not fit. */
export function readPlacementRow(data: unknown): PlacementRow | null {
  const node = readNode(data);
  if (node !== null) return nodeRow(node);
  const instance = readInstance(data);
  return instance === null ? null : instanceRow(instance);
}

/** Null without any. */
export function joinPlacement(rows: readonly PlacementRow[]): PlacementState | null {
  if (rows.length === 0) return null;
  return {
    version: 1,
    nodes: rows.flatMap((row) => (row.kind === 'node' ? [row.fact] : [])),
    instances: rows.flatMap((row) => (row.kind === 'instance' ? [row.fact] : [])),
  };
}
