// The nodes that a task could have: what each announces, or what the file of the task says of it; pure but for its own table.

import { type LearningNode, topologyFrom } from '../../plan/learning/topology.ts';
import type { Offer } from '../messages/payloads.ts';
import type { Nodes } from './course.ts';

/** Beyond it nodes are left out: the state of a task is one message. */
const NODES_MAX = 1_000;

/** Costs and samples of all nodes together: what is announced takes no more memory than that. */
const ENTRIES_MAX = 200_000;
/** Classes of all clients together, as in a file of nodes: the search keeps a count of each class for each client. */
const CLASSES_MAX = 1_000;

interface Kept extends Offer {
  /** What of it matters, as text. */
  readonly facts: string;
  readonly entries: number;
}

/** The offers of one task. */
export class Offers {
  readonly #byNode = new Map<string, Kept>();
  #entries = 0;
  /** Null: to be made again. */
  #fingerprint: string | null = null;
  readonly #nodes: ReadonlyMap<string, LearningNode> | null;

  /** @param nodes those of the file of the task; null: as the nodes announce themselves */
  constructor(nodes: ReadonlyMap<string, LearningNode> | null) {
    this.#nodes = nodes;
  }

  /** @returns why the node cannot take part; null: it does, or is none of this task's */
  set(offer: Offer): string | null {
    const { id } = offer.node;
    const node = this.#nodes === null ? offer.node : this.#nodes.get(id);
    if (node === undefined) return null;
    if (this.#byNode.size >= NODES_MAX && !this.#byNode.has(id)) return `more than ${NODES_MAX} nodes`;
    const facts = JSON.stringify([id, node.role, offer.address, [...node.costs].sort(), [...node.samples].sort()]);
    const before = this.#byNode.get(id);
    if (before?.facts === facts) return null;
    const entries = this.#nodes === null ? node.costs.size + node.samples.size : 0;
    const all = this.#entries - (before?.entries ?? 0) + entries;
    if (all > ENTRIES_MAX) {
      this.delete(id);
      return `more than ${ENTRIES_MAX} costs and samples of all nodes`;
    }
    this.#entries = all;
    this.#byNode.set(id, { ...offer, node, facts, entries });
    this.#fingerprint = null;
    return null;
  }

  delete(node: string): void {
    this.#entries -= this.#byNode.get(node)?.entries ?? 0;
    if (this.#byNode.delete(node)) this.#fingerprint = null;
  }

  clear(): void {
    this.#byNode.clear();
    this.#entries = 0;
    this.#fingerprint = null;
  }

  /** Where the command of a node listens. */
  addressOf(node: string): string | null {
    return this.#byNode.get(node)?.address ?? null;
  }

  /** What of it matters, as text: other text is another set of nodes. */
  get fingerprint(): string {
    this.#fingerprint ??= [...this.#byNode.values()]
      .map(({ facts }) => facts)
      .sort()
      .join();
    return this.#fingerprint;
  }

  /** The nodes as a topology, in the order of the file, else of their names; or why there is none. `atWork`: the present global aggregator. */
  topology(atWork: string | null, leaveOut: (node: string, reason: string) => void): Nodes {
    const order = this.#nodes === null ? [...this.#byNode.keys()].sort() : [...this.#nodes.keys()];
    const present = order.flatMap((id) => this.#byNode.get(id)?.node ?? []);
    const tooMany = beyondClasses(present);
    for (const id of tooMany) leaveOut(id, `more than ${CLASSES_MAX} classes of all clients`);
    const usable = topologyFrom(
      present.filter(({ id }) => !tooMany.has(id)),
      atWork,
    );
    if (typeof usable === 'string') return usable;
    for (const { node, reason } of usable.leftOut) leaveOut(node, reason);
    return usable.topology;
  }
}

/** The clients whose classes would be too many; those with few classes come first, so that one with a thousand pushes out none of them. */
function beyondClasses(nodes: readonly LearningNode[]): ReadonlySet<string> {
  const classes = new Set<string>();
  const beyond = new Set<string>();
  for (const { id, samples } of nodes.toSorted((a, b) => a.samples.size - b.samples.size)) {
    const more = [...samples.keys()].filter((name) => !classes.has(name));
    if (classes.size + more.length > CLASSES_MAX) beyond.add(id);
    else for (const name of more) classes.add(name);
  }
  return beyond;
}
