// The emulated nodes as a whole: what is there at the start, and the levers that a story pulls while it runs.

import type { Rng } from '../../core/rng.ts';
import { EmulatedNode } from './node.ts';
import type { EmulatedService } from './service.ts';
import { type DemoNode, LOCAL_NODE_ID, NODES, SERVICES } from './topology.ts';

export interface EmulatedClusterOptions {
  readonly brokerUrl: string;
  readonly rng: Rng;
}

/** All emulated nodes, and the levers of the story. */
export class EmulatedCluster {
  readonly #options: EmulatedClusterOptions;
  readonly #nodes = new Map<string, EmulatedNode>();

  private constructor(options: EmulatedClusterOptions) {
    this.#options = options;
  }

  /** Boots every node that is present at the start. */
  static async start(options: EmulatedClusterOptions): Promise<EmulatedCluster> {
    const continuum = new EmulatedCluster(options);
    await Promise.all(NODES.filter(({ present }) => present).map(({ id }) => continuum.boot(id)));
    return continuum;
  }

  /** In the order of the topology. */
  get nodes(): readonly EmulatedNode[] {
    return NODES.flatMap(({ id }) => this.#nodes.get(id) ?? []);
  }

  /** Instances on the node that the real qedge runs on: service name → port. */
  get localPorts(): ReadonlyMap<string, number> {
    const instances = this.#nodes.get(LOCAL_NODE_ID)?.instances ?? new Map<string, EmulatedService>();
    return new Map([...instances].map(([service, { port }]) => [service, port]));
  }

  /** Boots a node; one that runs already is left as it is. */
  async boot(nodeId: string): Promise<void> {
    if (this.#nodes.has(nodeId)) return;
    const announced = nodeId !== LOCAL_NODE_ID;
    const node = await EmulatedNode.start({ ...this.#options, node: specOf(nodeId), services: SERVICES, announced });
    this.#nodes.set(nodeId, node);
  }

  /** Cuts a node's power. */
  async crash(nodeId: string): Promise<void> {
    const node = this.#nodes.get(nodeId);
    this.#nodes.delete(nodeId);
    await node?.crash();
  }

  /** Lets a node leave in good order. */
  async leave(nodeId: string): Promise<void> {
    const node = this.#nodes.get(nodeId);
    this.#nodes.delete(nodeId);
    await node?.close();
  }

  /** Multiplies the processing times of everything on a node; 1 is as at the start. */
  slowDown(nodeId: string, factor: number): void {
    for (const [service, instance] of this.#nodes.get(nodeId)?.instances ?? []) {
      instance.work.meanMs = (specOf(nodeId).workMs[service] ?? instance.work.meanMs) * factor;
    }
  }

  /** Moves a node away: `extraMs` more of round trip than at the start. */
  moveAway(nodeId: string, extraMs: number): void {
    const node = this.#nodes.get(nodeId);
    if (node !== undefined) node.link.oneWayMs = (specOf(nodeId).rttMs + extraMs) / 2;
  }

  async close(): Promise<void> {
    const nodes = [...this.#nodes.values()];
    this.#nodes.clear();
    await Promise.all(nodes.map((node) => node.close()));
  }
}

function specOf(nodeId: string): DemoNode {
  const spec = NODES.find(({ id }) => id === nodeId);
  if (spec === undefined) throw new Error(`assertion failed: no node ${nodeId} in the topology`);
  return spec;
}
