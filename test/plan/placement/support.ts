import { parseSites, type SiteDefaults } from '../../../src/plan/placement/sites-file.ts';
import type { PlacementTask } from '../../../src/plan/placement/task.ts';

export const DEFAULTS: SiteDefaults = { latencyMs: 40, successRatio: 0.9, workMs: 5, load: 1 };

/** Nodes on a line, `gapMs` from one to the next. */
export function line(rates: readonly number[], gapMs: number): PlacementTask {
  const nodes = rates.map((_, n) => `n${n + 1}`);
  const rows = rates.map((rate, a) => [nodes[a], rate, ...rates.map((_, b) => 0.5 + gapMs * Math.abs(a - b))].join());
  return parseSites('line.csv', [`node,rate,${nodes.join()}`, ...rows].join('\n'), DEFAULTS);
}
