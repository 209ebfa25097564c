// The whole answer to a question of placement: which nodes, how near they are, and what the routing core makes of them.

import { cheapestPlacement } from './cheapest.ts';
import { type Coverage, coverageOf } from './coverage.ts';
import { greedyKCenter } from './k-center.ts';
import { improve } from './search.ts';
import type { Placement, PlacementTask } from './task.ts';
import { type TrialOptions, type TrialResult, tryLosses, tryPlacement } from './trial.ts';

/** A placement with what is known of it. */
export interface PlacementPlan {
  readonly placement: Placement;
  readonly coverage: Coverage;
  readonly trial: TrialResult;
  /** With each instance lost in turn, in the order of the placement. */
  readonly losses: readonly TrialResult[];
}

export interface PlanQuestion {
  /** How many instances; null: the fewest that satisfy every client with any one of them lost. */
  readonly count: number | null;
  /** Moves the instances of the greedy answer, and keeps that where simulation says that it is no worse. */
  readonly improve: boolean;
  readonly trial: TrialOptions;
}

/** @returns null where no number of instances is enough, which only the search for the fewest can find */
export function planPlacement(task: PlacementTask, question: PlanQuestion): PlacementPlan | null {
  const { count, trial } = question;
  if (count === null) {
    const fewest = cheapestPlacement(task, trial);
    return fewest === null ? null : tried(task, fewest, trial);
  }
  const greedy = tried(task, greedyKCenter(task, count), trial);
  if (!question.improve) return greedy;
  const moved = tried(task, improve(task, greedy.placement), trial);
  return isWorse(moved, greedy) ? greedy : moved;
}

function tried(task: PlacementTask, placement: Placement, options: TrialOptions): PlacementPlan {
  return {
    placement,
    coverage: coverageOf(task, placement),
    trial: tryPlacement(task, placement, options),
    losses: tryLosses(task, placement, options),
  };
}

/** By clients satisfied: with the worst loss, without one, then by requests; the first that differs decides. */
function isWorse(a: PlacementPlan, b: PlacementPlan): boolean {
  const figures = (plan: PlacementPlan): number[] => [
    Math.min(...plan.losses.map(({ satisfied }) => satisfied.mean)),
    plan.trial.satisfied.mean,
    Math.min(...plan.losses.map(({ success }) => success.mean)),
    plan.trial.success.mean,
  ];
  const other = figures(b);
  const index = figures(a).findIndex((figure, i) => figure !== other[i]);
  return index >= 0 && (figures(a)[index] as number) < (other[index] as number);
}
