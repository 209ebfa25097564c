// How many instances `qedge plan placement --cheapest` takes, and the fewest of all subsets: every subset with an instance in reach of
// each client after any loss is simulated, smaller ones first. `node test/bench/cheapest.ts [SEEDS]`.

import '../support/bench-help.ts';
import { cheapestPlacement } from '../../src/plan/placement/cheapest.ts';
import { scoreOf } from '../../src/plan/placement/coverage.ts';
import type { PlacementTask } from '../../src/plan/placement/task.ts';
import { type TrialOptions, tryPlacement } from '../../src/plan/placement/trial.ts';
import { drawnPlane, subsets } from '../plan/placement/support.ts';

const TRIAL: TrialOptions = { policy: 'qedge', seeds: [1, 2], durationMs: 10_000 };
const seeds = Number(process.argv[2] ?? 3);

console.log(
  '| nodes | seed | requests/s | cheapest | fewest of all | subsets simulated |\n|---:|---:|---:|---:|---:|---:|',
);
for (const nodes of [6, 8, 10, 12, 14]) {
  for (let seed = 1; seed <= seeds; seed++) {
    const task = drawnPlane(seed, { count: nodes, widthMs: 40, load: 1.2 });
    const found = cheapestPlacement(task, TRIAL)?.length ?? null;
    const { count, simulated } = fewest(task, found ?? nodes + 1);
    const asked = Math.round(task.rates.reduce((sum, rate) => sum + rate, 0));
    console.log(`| ${[nodes, seed, asked, found ?? 'none', count ?? 'none', simulated].join(' | ')} |`);
  }
}

/** @param known it is no more than this */
function fewest(task: PlacementTask, known: number): { readonly count: number | null; readonly simulated: number } {
  let simulated = 0;
  const withstands = (placement: readonly number[]): boolean => {
    if (scoreOf(task, placement).exposed > 0) return false;
    simulated++;
    return placement.every((_, lost) =>
      TRIAL.seeds.every((seed) => {
        const rest = placement.toSpliced(lost, 1);
        return tryPlacement(task, rest, { ...TRIAL, seeds: [seed] }).satisfied.worst === 1;
      }),
    );
  };
  for (let count = 2; count < known; count++) {
    if (subsets([...task.nodes.keys()], count).some(withstands)) return { count, simulated };
  }
  return { count: known > task.nodes.length ? null : known, simulated };
}
