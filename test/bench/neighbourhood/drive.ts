// What a router says of the instances that it sends to, two seconds at a time: ten requests a second among twelve of them.

import { createRng } from '../../../src/core/rng.ts';
import { createWorld, instance, type World } from '../../core/support.ts';

const NODES = 4;
const INSTANCES_PER_NODE = 3;
const REQUEST_EVERY_MS = 100;

/** A router among neighbours, with instances on the first nodes of the fleet. */
export function routerAmongNeighbours(seed: number): World {
  const world = createWorld('qedge', { seed, neighbours: { use: true, samplesMax: 20 } });
  for (let node = 0; node < NODES; node++) {
    world.router.observeRtt(`node-${node}`, 5 + node, world.nowMs);
    for (let i = 0; i < INSTANCES_PER_NODE; i++) {
      const one = instance(`node-${node}`, { id: `pilotnet-${i}` });
      world.router.applyPlacement({ kind: 'instance-set', instance: one }, world.nowMs);
    }
  }
  return world;
}

/** Requests for so long; each takes 10 to 60 ms. */
export function drive(world: World, ms: number, rng = createRng(1)): void {
  for (let passed = 0; passed < ms; passed += REQUEST_EVERY_MS) {
    world.request(() => ({ latencyMs: 10 + 50 * rng.next() }));
    world.pass(REQUEST_EVERY_MS);
  }
}
