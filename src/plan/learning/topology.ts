// What takes part in federated learning: nodes with a role, what a link costs, which data a client has.

/** The name of a node, as it stands in topics and in `node.id`. */
export const NODE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** The root of the hierarchy, a node that gathers for a cluster, or a node that trains. */
export type LearningRole = 'global-aggregator' | 'aggregator' | 'client';

/** One node. Costs are in units per MB of the model, one way. */
export interface LearningNode {
  readonly id: string;
  readonly role: LearningRole;
  /** Node → what a MB to or from it costs; a node that is absent cannot be reached. */
  readonly costs: ReadonlyMap<string, number>;
  /** Class → samples of it, for clients; empty for aggregators. */
  readonly samples: ReadonlyMap<string, number>;
}

/** All nodes of a task, by role and in the order of the file. */
export interface LearningTopology {
  readonly global: LearningNode;
  readonly aggregators: readonly LearningNode[];
  readonly clients: readonly LearningNode[];
}

/** Units per MB between two nodes, as one of them states it; +Infinity where neither does. */
export function linkCost(a: LearningNode, b: LearningNode): number {
  if (a.id === b.id) return 0;
  return a.costs.get(b.id) ?? b.costs.get(a.id) ?? Number.POSITIVE_INFINITY;
}

/** The same task with some nodes left out; a reason in words where that is none any more. */
export function without(topology: LearningTopology, ids: readonly string[]): LearningTopology | string {
  const { global, aggregators, clients } = topology;
  const known = new Set([global, ...aggregators, ...clients].map(({ id }) => id));
  const unknown = ids.find((id) => !known.has(id));
  if (unknown !== undefined) return `no such node: "${unknown}"`;
  if (ids.includes(global.id)) return `"${global.id}" is the global aggregator, without which there is no task`;
  const rest = clients.filter(({ id }) => !ids.includes(id));
  if (rest.length === 0) return 'no client is left';
  return { global, aggregators: aggregators.filter(({ id }) => !ids.includes(id)), clients: rest };
}

/** The nodes of a task that can take part in it, and why the others cannot. */
export interface Usable {
  readonly topology: LearningTopology;
  readonly leftOut: readonly { readonly node: string; readonly reason: string }[];
}

/**
 * Nodes as they come, in any order, as a topology: a node without a way to where it would send its model is left out, and so are
 * aggregators that there are no clients for, those with the costliest link first. Of several global aggregators one has the task.
 *
 * @param atWork the global aggregator that has the task: another one takes it only where that one is gone
 * @returns why there is none
 */
export function topologyFrom(nodes: readonly LearningNode[], atWork: string | null): Usable | string {
  const globals = nodes.filter(({ role }) => role === 'global-aggregator');
  const present = globals.filter(({ id }) => id === atWork);
  // Any node may say that it is one: of those that wait, one that no client has a link to keeps no other from it.
  const [first, ...others] = (present.length > 0 ? present : globals).map((global) => topologyUnder(global, nodes));
  if (first === undefined) return 'no node is the global-aggregator';
  return typeof first === 'string' ? (others.find((one) => typeof one !== 'string') ?? first) : first;
}

function topologyUnder(global: LearningNode, nodes: readonly LearningNode[]): Usable | string {
  const ofRole = (role: LearningRole): LearningNode[] => nodes.filter((node) => node.role === role);
  const leftOut = ofRole('global-aggregator').flatMap(({ id: node }) =>
    node === global.id ? [] : [{ node, reason: `"${global.id}" is the global-aggregator already` }],
  );
  const near = (to: readonly LearningNode[]) => (node: LearningNode) =>
    to.some((one) => Number.isFinite(linkCost(node, one)));
  const linked = ofRole('aggregator')
    .filter(near([global]))
    .sort((a, b) => linkCost(a, global) - linkCost(b, global));
  const reachable = linked.slice(0, ofRole('client').length);
  const parents = reachable.length < 2 ? [global] : reachable;
  const clients = ofRole('client').filter(near(parents));
  if (clients.length === 0) return 'no node is a client with a link to an aggregator';
  for (const node of ofRole('aggregator')) {
    if (!linked.includes(node)) leftOut.push({ node: node.id, reason: `no link to "${global.id}"` });
    else if (!reachable.includes(node)) leftOut.push({ node: node.id, reason: 'more aggregators than clients' });
  }
  for (const node of ofRole('client')) {
    if (!clients.includes(node)) leftOut.push({ node: node.id, reason: 'no link to any aggregator' });
  }
  // In the order in which they came, so that ties are decided as in a file.
  return { topology: { global, aggregators: nodes.filter((node) => reachable.includes(node)), clients }, leftOut };
}
