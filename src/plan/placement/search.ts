// Better placements than the greedy one: local search by moving one instance at a time, or all subsets where there are few.

import { isBetter, type Score, scoreOf } from './coverage.ts';
import { greedyKCenter } from './k-center.ts';
import { carriersOf, type Placement, type PlacementTask } from './task.ts';

/** As many subsets as are looked at one by one. */
const EXHAUSTIVE_MAX = 4_000;
/** Nodes times instances: a pass of a local search takes the square of it. */
export const SEARCH_MAX = 20_000;
/** First nodes of greedy starts. */
const STARTS_MAX = 10;

/** Moves one instance at a time to the node that betters the score most, until none does. */
export function improve(task: PlacementTask, placement: Placement): Placement {
  const carriers = carriersOf(task);
  let best: Scored = scored(task, placement);
  for (let previous: Scored | null = null; best !== previous; ) {
    previous = best;
    for (const [i] of best.placement.entries()) {
      for (const node of carriers) {
        if (previous.placement.includes(node)) continue;
        const moved = scored(task, previous.placement.with(i, node));
        if (isBetter(moved.score, best.score)) best = moved;
      }
    }
  }
  return best.placement;
}

/**
 * Different placements of `count` instances, the best score first, the nodes of each ascending: all of them where there are few, else those
 * of local searches from several starts, and the greedy one.
 */
export function candidates(task: PlacementTask, count: number): readonly Placement[] {
  const carriers = carriersOf(task);
  const found =
    binomial(carriers.length, count) <= EXHAUSTIVE_MAX
      ? [...subsets(carriers, count)]
      : [
          greedyKCenter(task, count),
          ...spread(carriers, STARTS_MAX).map((first) => improve(task, greedyKCenter(task, count, first))),
        ];
  const ascending = found.map((placement) => placement.toSorted((a, b) => a - b));
  return [...new Map(ascending.map((placement) => [placement.join(), placement])).values()]
    .map((placement) => scored(task, placement))
    .sort((a, b) => (isBetter(a.score, b.score) ? -1 : isBetter(b.score, a.score) ? 1 : 0))
    .map(({ placement }) => placement);
}

interface Scored {
  readonly placement: Placement;
  readonly score: Score;
}

const scored = (task: PlacementTask, placement: Placement): Scored => ({ placement, score: scoreOf(task, placement) });

/** At most `count` of them, evenly over the list. */
function spread<T>(items: readonly T[], count: number): readonly T[] {
  const step = Math.max(1, items.length / count);
  return Array.from({ length: Math.min(count, items.length) }, (_, i) => items[Math.floor(i * step)] as T);
}

function binomial(n: number, k: number): number {
  let result = 1;
  for (let i = 0; i < k; i++) result = (result * (n - i)) / (i + 1);
  return result;
}

function* subsets(items: readonly number[], count: number, from = 0): Generator<number[]> {
  if (count === 0) {
    yield [];
    return;
  }
  for (let i = from; i <= items.length - count; i++) {
    for (const rest of subsets(items, count - 1, i + 1)) yield [items[i] as number, ...rest];
  }
}
