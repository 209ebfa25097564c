// An instance of the simulated service as placement would announce it.

import type { Instance } from '../../core/domain.ts';
import type { World, WorldInstance } from './world.ts';

/** Name of the one service of a simulation. */
export const SERVICE = 'service';

/** The i-th of a world. Nothing connects to its address. */
export function instanceOf({ instances, topology }: Pick<World, 'instances' | 'topology'>, i: number): Instance {
  const { id, node, model } = instances[i] as WorldInstance;
  const { profile = null, labels = {}, tier = null, tls = false } = model;
  return {
    service: SERVICE,
    nodeId: topology.nodes[node] as string,
    id,
    scheme: tls ? 'https' : 'http',
    host: '192.0.2.1',
    port: 1 + i,
    labels,
    tier,
    profile,
  };
}
