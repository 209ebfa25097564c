// The fewest instances with which every client is satisfied, with any one of them lost: by steps and bisection, each judged by simulation.

import { scoreOf } from './coverage.ts';
import { candidates, SEARCH_MAX } from './search.ts';
import { capacityAt, carriersOf, type Placement, type PlacementTask } from './task.ts';
import { type TrialOptions, tryPlacement } from './trial.ts';

/** Placements of one size that are simulated before a larger one is tried. */
const CANDIDATES = 64;

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

/** A placement of this many instances that loses any one of them and still satisfies every client, or null. */
function withstanding(task: PlacementTask, count: number, options: TrialOptions): Placement | null {
  return candidates(task, count, CANDIDATES).find((placement) => withstands(task, placement, options)) ?? null;
}

function withstands(task: PlacementTask, placement: Placement, options: TrialOptions): boolean {
  // What cannot be reached or carried need not be simulated.
  const { exposed } = scoreOf(task, placement);
  if (placement.length < 2 || exposed > 0) return false;
  return placement.every((_, lost) =>
    options.seeds.every((seed) => {
      const rest = placement.toSpliced(lost, 1);
      return tryPlacement(task, rest, { ...options, seeds: [seed] }).satisfied.worst === 1;
    }),
  );
}
