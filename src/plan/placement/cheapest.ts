// The fewest instances with which every client is satisfied, with any one of them lost: by steps and bisection, each judged by simulation.

import { isBetter, type Score, scoreOf } from './coverage.ts';
import { candidates, SEARCH_MAX } from './search.ts';
import { capacityAt, carriersOf, type Placement, type PlacementTask } from './task.ts';
import { type TrialOptions, tryPlacement } from './trial.ts';

/** Each size is tried where there are so many nodes at the most. */
const EACH_SIZE_MAX = 16;

/** @returns null where not even an instance on every node is enough, or none small enough to search for */
export function cheapestPlacement(task: PlacementTask, options: TrialOptions): Placement | null {
  const carriers = carriersOf(task).length;
  const most = Math.min(carriers, Math.floor(SEARCH_MAX / task.nodes.length));
  const growth = carriers <= EACH_SIZE_MAX ? 1 : 2;
  let low = leastCount(task);
  let found: Placement | null = null;
  // What is too little shows in a run or two, what is enough in many: steps up from below, longer each time where there are many sizes,
  // then bisection. More instances are not always better: an instance everywhere may leave a client without a good one where fewer do not.
  for (let [step, count] = [1, low]; low <= most; step *= growth) {
    found = withstanding(task, count, options);
    if (found !== null) break;
    low = count + 1;
    count = Math.min(most, count + step);
  }
  for (let high = found?.length ?? 0; low < high; ) {
    const count = Math.floor((low + high) / 2);
    const good = withstanding(task, count, options);
    if (good === null) low = count + 1;
    else {
      found = good;
      high = count;
    }
  }
  return found;
}

/** With fewer, the quickest nodes could not carry what is asked for, one of them lost. */
export function leastCount(task: PlacementTask): number {
  const asked = task.rates.reduce((sum, rate) => sum + rate, 0) * task.load;
  const capacities = carriersOf(task)
    .map((node) => capacityAt(task, node))
    .sort((a, b) => b - a);
  let carried = 0;
  let count = 0;
  while (count < capacities.length && carried < asked) carried += capacities[count++] as number;
  return Math.max(2, count + 1);
}

/**
 * A placement of this many instances that loses any one of them and still satisfies every client, or null. What is left after a loss is
 * left of many placements: it is simulated once, and rules out all of them where it does not do.
 */
function withstanding(task: PlacementTask, count: number, options: TrialOptions): Placement | null {
  if (count < 2) return null;
  const does = new Map<string, boolean>();
  const doesAlone = (left: Placement): boolean => {
    const key = left.join();
    const known = does.get(key);
    if (known !== undefined) return known;
    // Seed by seed: what fails with the first needs no other.
    const found = options.seeds.every(
      (seed) => tryPlacement(task, left, { ...options, seeds: [seed] }).satisfied.worst === 1,
    );
    does.set(key, found);
    return found;
  };
  const withstands = (placement: Placement): boolean => {
    // What cannot be reached need not be simulated.
    if (scoreOf(task, placement).exposed > 0) return false;
    const left = placement.map((_, lost) => placement.toSpliced(lost, 1));
    return !left.some((one) => does.get(one.join()) === false) && worstFirst(task, left).every(doesAlone);
  };
  return candidates(task, count).find(withstands) ?? null;
}

function worstFirst(task: PlacementTask, placements: readonly Placement[]): Placement[] {
  const byScore = (a: Score, b: Score): number => (isBetter(a, b) ? 1 : isBetter(b, a) ? -1 : 0);
  return placements
    .map((placement) => ({ placement, score: scoreOf(task, placement) }))
    .sort((a, b) => byScore(a.score, b.score))
    .map(({ placement }) => placement);
}
