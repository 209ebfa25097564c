// How far each node is from its instances, and how much of the demand a placement can carry at all: what is known of a placement
// before it is simulated.

import {
  capacityAt,
  demandingOf,
  idleMs,
  idleQuantileMs,
  type Placement,
  type PlacementTask,
  reaches,
  rttOf,
} from './task.ts';

/** One node and its nearest instances. */
export interface NodeCoverage {
  readonly node: number;
  /** Nodes of the nearest and the second nearest instance; null where there is none. */
  readonly nearest: number | null;
  readonly second: number | null;
  /** Instances that answer in time while they are idle. */
  readonly inReach: number;
}

export interface Coverage {
  readonly nodes: readonly NodeCoverage[];
  /** Longest way from a node with clients to its nearest instance, ms. */
  readonly radiusMs: number;
  /** Nodes with clients that no instance can answer in time; and with the worst loss of one instance. */
  readonly uncovered: readonly number[];
  readonly uncoveredByLoss: readonly number[];
}

/** An instance is planned to be busy for this share of its time at the most: queues grow without bound towards 1. */
const UTILISATION_MAX = 0.85;

export function coverageOf(task: PlacementTask, placement: Placement): Coverage {
  const nodes = task.nodes.map((_, node) => nodeCoverage(task, placement, node));
  const demanding = demandingOf(task).flatMap((node) => nodes[node] ?? []);
  const distance = ({ node, nearest }: NodeCoverage): number =>
    nearest === null ? Number.POSITIVE_INFINITY : rttOf(task, node, nearest);
  return {
    nodes,
    radiusMs: Math.max(0, ...demanding.map(distance)),
    uncovered: demanding.filter(({ inReach }) => inReach === 0).map(({ node }) => node),
    uncoveredByLoss: demanding.filter(({ inReach }) => inReach < 2).map(({ node }) => node),
  };
}

function nodeCoverage(task: PlacementTask, placement: Placement, node: number): NodeCoverage {
  const byDistance = placement.toSorted((a, b) => rttOf(task, node, a) - rttOf(task, node, b));
  const inReach = placement.filter((instance) => reaches(task, node, instance)).length;
  return { node, nearest: byDistance[0] ?? null, second: byDistance[1] ?? null, inReach };
}

/** What placements are compared by before any simulation: less is better, the first that differs decides. */
export interface Score {
  /** Requests/s of nodes that a single loss would leave without an instance in reach. */
  readonly exposed: number;
  /** The same, where in reach is what an idle instance answers in time as often as is asked for. */
  readonly strained: number;
  /** Requests/s that do not fit into the instances in reach, one of them lost (its share taken from all); costly: computed when read. */
  readonly overflow: number;
  /** Longest way to the nearest instance, ms. */
  readonly radiusMs: number;
  /** Mean way to the nearest two, ms, by requests. */
  readonly meanMs: number;
}

/** What sums of requests/s and ms differ by for no reason. */
const LITTLE = 1e-9;

/** What is known of a placement without a simulation. */
export function scoreOf(task: PlacementTask, placement: Placement): Score {
  let exposed = 0;
  let strained = 0;
  let radiusMs = 0;
  let meanMs = 0;
  let total = 0;
  const instances = placement.map((node) => ({
    node,
    idle: idleMs(task, node),
    idleQuantile: idleQuantileMs(task, node),
  }));
  for (const node of demandingOf(task)) {
    const rate = task.rates[node] as number;
    let [first, second] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    let [inReach, atEase] = [0, 0];
    for (const { node: instance, idle, idleQuantile } of instances) {
      const rtt = rttOf(task, node, instance);
      if (rtt + idle <= task.qos.latencyMs) inReach++;
      if (rtt + idleQuantile <= task.qos.latencyMs) atEase++;
      if (rtt < first) [first, second] = [rtt, first];
      else if (rtt < second) second = rtt;
    }
    if (inReach < 2) exposed += rate;
    if (atEase < 2) strained += rate;
    radiusMs = Math.max(radiusMs, first);
    meanMs += (rate * (first + (second === Number.POSITIVE_INFINITY ? first : second))) / 2;
    total += rate;
  }
  let overflow: number | null = null;
  return {
    exposed,
    strained,
    get overflow() {
      overflow ??= overflowOf(task, placement);
      return overflow;
    },
    radiusMs,
    meanMs: total === 0 ? 0 : meanMs / total,
  };
}

/** Whether a is better than b. Overflow is looked at last, since it is costly, and only where it can decide. */
export function isBetter(a: Score, b: Score): boolean {
  const before = compare(a, b, ['exposed', 'strained']);
  if (before !== 0) return before < 0;
  const after = compare(a, b, ['radiusMs', 'meanMs']);
  if (after >= 0 && b.overflow === 0) return false;
  return (compare(a, b, ['overflow']) || after) < 0;
}

/** Below 0 where a is better in the first of these parts that differs, 0 where none does. */
function compare(a: Score, b: Score, parts: readonly (keyof Score)[]): number {
  const differs = (part: keyof Score): boolean => Math.abs(a[part] - b[part]) > LITTLE * Math.max(1, Math.abs(a[part]));
  const decisive = parts.find(differs);
  return decisive === undefined ? 0 : a[decisive] - b[decisive];
}

/** Requests/s beyond what the instances in reach can carry: maximum flow by shortest augmenting paths (Edmonds and Karp 1972). */
function overflowOf(task: PlacementTask, placement: Placement): number {
  const demanding = demandingOf(task);
  const lossShare = placement.length < 2 ? 1 : 1 - 1 / placement.length;
  const left = Float64Array.from(demanding, (node) => (task.rates[node] as number) * task.load);
  const room = Float64Array.from(placement, (node) => capacityAt(task, node) * UTILISATION_MAX * lossShare);
  const edges = demanding.map((node) => placement.flatMap((instance, i) => (reaches(task, node, instance) ? [i] : [])));
  const flow = demanding.map(() => new Float64Array(placement.length));
  const full = new Set<number>();
  for (let source = 0; source < demanding.length; source++) {
    while ((left[source] as number) > LITTLE && augment({ source, left, room, edges, flow, full })) {}
  }
  return left.reduce((sum, rest) => (rest > LITTLE ? sum + rest : sum), 0);
}

interface Flow {
  readonly source: number;
  readonly left: Float64Array;
  readonly room: Float64Array;
  readonly edges: readonly (readonly number[])[];
  readonly flow: readonly Float64Array[];
  /** Instances from which no way leads to any room: none ever will, since what is sent elsewhere changes nothing at them. */
  readonly full: Set<number>;
}

/** Sends more from one node, by way of others that give up their place; false where none can. */
function augment({ source, left, room, edges, flow, full }: Flow): boolean {
  const instanceBefore = new Map<number, number>();
  const nodeBefore = new Map<number, number>([[source, -1]]);
  const queue = [source];
  for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
    for (const instance of edges[node] ?? []) {
      if (instanceBefore.has(instance) || full.has(instance)) continue;
      instanceBefore.set(instance, node);
      if ((room[instance] as number) > LITTLE) return push(instance);
      for (const [other, sent] of flow.entries()) {
        if (nodeBefore.has(other) || (sent[instance] as number) <= LITTLE) continue;
        nodeBefore.set(other, instance);
        queue.push(other);
      }
    }
  }
  for (const instance of instanceBefore.keys()) full.add(instance);
  return false;

  function push(last: number): boolean {
    const path: [node: number, instance: number][] = [];
    for (let instance = last; instance >= 0; ) {
      const node = instanceBefore.get(instance) as number;
      path.push([node, instance]);
      instance = nodeBefore.get(node) as number;
    }
    // Back along the path: each node but the source gives up its flow to the instance before it.
    let amount = Math.min(left[source] as number, room[last] as number);
    for (const [node] of path) {
      const given = nodeBefore.get(node) as number;
      if (given >= 0) amount = Math.min(amount, flow[node]?.[given] as number);
    }
    for (const [node, instance] of path) {
      const row = flow[node] as Float64Array;
      row[instance] = (row[instance] as number) + amount;
      const given = nodeBefore.get(node) as number;
      if (given >= 0) row[given] = (row[given] as number) - amount;
    }
    room[last] = (room[last] as number) - amount;
    left[source] = (left[source] as number) - amount;
    return true;
  }
}
