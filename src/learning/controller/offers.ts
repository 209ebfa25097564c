// The nodes that a task could have: what each announces, or what the file of the task says of it; pure but for its own table.

import { type LearningNode, topologyFrom } from '../../plan/learning/topology.ts';
import type { Offer } from '../messages/payloads.ts';
import type { Nodes } from './course.ts';

/** Beyond it nodes are left out: the state of a task is one message. */
const NODES_MAX = 1_000;

/** Of a task; `nodes` of its file, null: as the nodes say themselves. */
export class Offers {
  readonly #byNode = new Map<string, Offer>();
  readonly #nodes: ReadonlyMap<string, LearningNode> | null;

  constructor(nodes: ReadonlyMap<string, LearningNode> | null) {
    this.#nodes = nodes;
  }

  /** @returns why the node cannot take part; null: it does, or is none of this task's */
  set(offer: Offer): string | null {
    const { id } = offer.node;
    const node = this.#nodes === null ? offer.node : this.#nodes.get(id);
    if (node === undefined) return null;
    if (this.#byNode.size >= NODES_MAX && !this.#byNode.has(id)) return `more than ${NODES_MAX} nodes`;
    this.#byNode.set(id, { ...offer, node });
    return null;
  }

  delete(node: string): void {
    this.#byNode.delete(node);
  }

  clear(): void {
    this.#byNode.clear();
  }

  /** Where the command of a node listens. */
  addressOf(node: string): string | null {
    return this.#byNode.get(node)?.address ?? null;
  }

  /** What of it matters, as text: other text is another set of nodes. */
  get fingerprint(): string {
    const facts = [...this.#byNode.values()].map(({ node, address }) => [
      node.id,
      node.role,
      address,
      [...node.costs].sort(),
      [...node.samples].sort(),
    ]);
    return JSON.stringify(facts.sort());
  }

  /** The nodes as a topology, in the order of the file, else of their names; or why there is none. */
  topology(leaveOut: (node: string, reason: string) => void): Nodes {
    const order = this.#nodes === null ? [...this.#byNode.keys()].sort() : [...this.#nodes.keys()];
    const usable = topologyFrom(order.flatMap((id) => this.#byNode.get(id)?.node ?? []));
    if (typeof usable === 'string') return usable;
    for (const { node, reason } of usable.leftOut) leaveOut(node, reason);
    return usable.topology;
  }
}
