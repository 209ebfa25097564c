// Greedy k-center (Gonzalez 1985; the bandit paper, section VII-A3): starts with the most central node, then repeatedly adds the node
// farthest from those chosen.

import { carriersOf, type Placement, type PlacementTask, rttOf } from './task.ts';

/** @param first node to start with instead of the most central one @returns at most as many instances as nodes can carry one */
export function greedyKCenter(task: PlacementTask, count: number, first?: number): Placement {
  const carriers = carriersOf(task);
  const chosen = [first ?? mostCentral(task, carriers)];
  while (chosen.length < Math.min(count, carriers.length)) {
    chosen.push(farthest(task, carriers, chosen));
  }
  return chosen;
}

function mostCentral(task: PlacementTask, carriers: readonly number[]): number {
  const eccentricity = (node: number): number => Math.max(...task.nodes.map((_, other) => rttOf(task, other, node)));
  return carriers.reduce((best, node) => (eccentricity(node) < eccentricity(best) ? node : best));
}

function farthest(task: PlacementTask, carriers: readonly number[], chosen: readonly number[]): number {
  const distance = (node: number): number => Math.min(...chosen.map((center) => rttOf(task, node, center)));
  return carriers
    .filter((node) => !chosen.includes(node))
    .reduce((best, node) => (distance(node) > distance(best) ? node : best));
}
