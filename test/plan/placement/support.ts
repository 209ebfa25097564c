import { createRng } from '../../../src/core/rng.ts';
import { parseSites, type SiteDefaults } from '../../../src/plan/placement/sites-file.ts';
import type { PlacementTask } from '../../../src/plan/placement/task.ts';

export const DEFAULTS: SiteDefaults = { latencyMs: 40, successRatio: 0.9, workMs: 5, load: 1 };

/** Nodes on a line, `gapMs` from one to the next. */
export function line(rates: readonly number[], gapMs: number): PlacementTask {
  const nodes = rates.map((_, n) => `n${n + 1}`);
  const rows = rates.map((rate, a) => [nodes[a], rate, ...rates.map((_, b) => 0.5 + gapMs * Math.abs(a - b))].join());
  return parseSites('line.csv', [`node,rate,${nodes.join()}`, ...rows].join('\n'), DEFAULTS);
}

/** Nodes on a plane, clients of different rates on all. */
export function drawnPlane(
  seed: number,
  { count, widthMs = 60, load = 1 }: { readonly count: number; readonly widthMs?: number; readonly load?: number },
): PlacementTask {
  const rng = createRng(seed);
  const points = Array.from({ length: count }, () => ({ x: widthMs * rng.next(), y: widthMs * rng.next() }));
  const rows = points.map((a, n) => {
    const rtts = points.map((b) => (0.5 + Math.hypot(a.x - b.x, a.y - b.y)).toFixed(2));
    return [`n${n + 1}`, Math.ceil(30 * rng.next()), ...rtts].join();
  });
  const header = `node,rate,${points.map((_, n) => `n${n + 1}`).join()}`;
  return parseSites('drawn.csv', [header, ...rows].join('\n'), { ...DEFAULTS, load });
}

/** All subsets of this size. */
export function subsets(items: readonly number[], count: number): number[][] {
  if (count === 0) return [[]];
  return items.flatMap((item, i) => subsets(items.slice(i + 1), count - 1).map((rest) => [item, ...rest]));
}
