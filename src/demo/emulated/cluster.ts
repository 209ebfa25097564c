// The emulated nodes as a whole: what is there at the start, and the levers that a story pulls while it runs.

import type { Rng } from '../../core/rng.ts';
import type { ClusterLevers, DemoNode, Scene } from '../scenes/scene.ts';
import { type EmulatedInstance, EmulatedNode } from './node.ts';

export interface EmulatedClusterOptions {
  readonly scene: Pick<Scene, 'nodes' | 'localNodeId'>;
  readonly brokerUrl: string;
  readonly rng: Rng;
}

/** All emulated nodes, and the levers of the story. */
export class EmulatedCluster implements ClusterLevers {
  readonly #options: EmulatedClusterOptions;
  readonly #nodes = new Map<string, EmulatedNode>();

  private constructor(options: EmulatedClusterOptions) {
    this.#options = options;
  }

  /** Boots every node that is present at the start. */
  static async start(options: EmulatedClusterOptions): Promise<EmulatedCluster> {
    const continuum = new EmulatedCluster(options);
    await Promise.all(options.scene.nodes.filter(({ present }) => present).map(({ id }) => continuum.boot(id)));
    return continuum;
  }

  /** In the order of the scene. */
  get nodes(): readonly EmulatedNode[] {
    return this.#options.scene.nodes.flatMap(({ id }) => this.#nodes.get(id) ?? []);
  }

  /** Instances on the node that the real qedge runs on, by service. */
  get localInstances(): ReadonlyMap<string, EmulatedInstance> {
    return this.#nodes.get(this.#options.scene.localNodeId)?.instances ?? new Map();
  }

  async boot(nodeId: string): Promise<void> {
    if (this.#nodes.has(nodeId)) return;
    const { scene, ...options } = this.#options;
    const announced = nodeId !== scene.localNodeId;
    const node = await EmulatedNode.start({ ...options, node: this.#specOf(nodeId), announced });
    this.#nodes.set(nodeId, node);
  }

  async crash(nodeId: string): Promise<void> {
    const node = this.#nodes.get(nodeId);
    this.#nodes.delete(nodeId);
    await node?.crash();
  }

  async leave(nodeId: string): Promise<void> {
    const node = this.#nodes.get(nodeId);
    this.#nodes.delete(nodeId);
    await node?.close();
  }

  slowDown(nodeId: string, factor: number): void {
    for (const { model, server } of this.#nodes.get(nodeId)?.instances.values() ?? []) {
      server.work.meanMs = model.workMs * factor;
    }
  }

  moveAway(nodeId: string, extraMs: number): void {
    const node = this.#nodes.get(nodeId);
    if (node !== undefined) node.link.oneWayMs = (this.#specOf(nodeId).rttMs + extraMs) / 2;
  }

  async close(): Promise<void> {
    const nodes = [...this.#nodes.values()];
    this.#nodes.clear();
    await Promise.all(nodes.map((node) => node.close()));
  }

  #specOf(nodeId: string): DemoNode {
    const spec = this.#options.scene.nodes.find(({ id }) => id === nodeId);
    if (spec === undefined) throw new Error(`assertion failed: no node ${nodeId} in the scene`);
    return spec;
  }
}
