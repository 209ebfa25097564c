// A placement run through the routing core, in virtual time: how many clients are satisfied, with all instances and with one lost.

import { runOne } from '../../sim/experiment.ts';
import { computeMetrics } from '../../sim/results/metrics.ts';
import { createWorld } from '../../sim/world/world.ts';
import { type Placement, type PlacementTask, scenarioWith } from './task.ts';

/** How a placement is simulated. */
export interface TrialOptions {
  readonly policy: string;
  readonly seeds: readonly number[];
  readonly durationMs: number;
  /** Called before each run. */
  readonly onRun?: (what: string, seed: number) => void;
}

/** Shares in [0, 1]: the mean over the seeds, and the worst seed. */
export interface TrialResult {
  readonly satisfied: Spread;
  readonly success: Spread;
}

export interface Spread {
  readonly mean: number;
  readonly worst: number;
}

/** Runs this placement with each seed. */
export function tryPlacement(task: PlacementTask, placement: Placement, options: TrialOptions): TrialResult {
  const scenario = scenarioWith(task, placement, options.durationMs);
  const runs = options.seeds.map((seed) => {
    options.onRun?.(placement.map((node) => task.nodes[node]).join(' '), seed);
    const recorder = runOne({ scenario, world: createWorld(scenario, seed), policy: options.policy, seed });
    return computeMetrics(recorder, scenario, null);
  });
  return {
    satisfied: spreadOf(runs.map(({ satisfiedRatio }) => satisfiedRatio)),
    success: spreadOf(runs.map(({ successRatio }) => successRatio)),
  };
}

/** One instance lost from the start, each in turn; by the place of the lost one in the placement. */
export function tryLosses(task: PlacementTask, placement: Placement, options: TrialOptions): TrialResult[] {
  if (placement.length < 2) return placement.map(() => NOTHING_LEFT);
  return placement.map((_, lost) => tryPlacement(task, placement.toSpliced(lost, 1), options));
}

const NOTHING_LEFT: TrialResult = { satisfied: { mean: 0, worst: 0 }, success: { mean: 0, worst: 0 } };

function spreadOf(values: readonly number[]): Spread {
  return { mean: values.reduce((sum, value) => sum + value, 0) / values.length, worst: Math.min(...values) };
}
