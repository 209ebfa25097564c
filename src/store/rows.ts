// State ↔ rows. Pure. What a router learned is one row for the service and one for each of its instances, so that what
// did not change is not written again.

import type { RouterSnapshot } from '../core/service-router.ts';
import type { PlacedInstance, PlacedNode, PlacementState } from './state.ts';

export interface LearnedRows {
  /** The snapshot less what it holds of instances. */
  readonly service: string;
  /** Instance key → what was learned of it. */
  readonly instances: ReadonlyMap<string, string>;
}

type Table = Readonly<Record<string, unknown>>;

const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** By the convention of `Policy.snapshot`, what is kept of each instance is under `instances`, by its key. */
export function splitSnapshot(snapshot: RouterSnapshot): LearnedRows {
  const { policy } = snapshot;
  const instances = new Map<string, string>();
  if (!isTable(policy) || !isTable(policy.instances)) return { service: JSON.stringify(snapshot), instances };
  for (const [key, learned] of Object.entries(policy.instances)) instances.set(key, JSON.stringify(learned));
  return { service: JSON.stringify({ ...snapshot, policy: { ...policy, instances: {} } }), instances };
}

/** Null for rows that are not what `splitSnapshot` made. */
export function joinSnapshot(rows: LearnedRows): RouterSnapshot | null {
  const snapshot = parse(rows.service);
  if (!isTable(snapshot) || snapshot.version !== 1 || typeof snapshot.service !== 'string') return null;
  const { policy } = snapshot;
  if (!isTable(policy) || rows.instances.size === 0) return snapshot as unknown as RouterSnapshot;
  const instances: Record<string, unknown> = {};
  for (const [key, text] of rows.instances) {
    const learned = parse(text);
    if (learned !== undefined) instances[key] = learned;
  }
  return { ...(snapshot as unknown as RouterSnapshot), policy: { ...policy, instances } };
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

/** A fact from its row; null for one of another shape. */
export function readPlacementRow(data: string): PlacementRow | null {
  const fact = parse(data);
  if (!isTable(fact)) return null;
  if (isTable(fact.node)) return nodeRow(fact as unknown as PlacedNode);
  return isTable(fact.instance) ? instanceRow(fact as unknown as PlacedInstance) : null;
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

/** Undefined for what is no JSON: SQLite's checks do not look into rows. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
