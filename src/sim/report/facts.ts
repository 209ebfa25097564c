// What was run, in a sentence or two, for the terminal and the HTML report alike; and by what, for the files.

import type { RunResult } from '../experiment.ts';
import type { Scenario } from '../scenario.ts';
import { percent } from './columns.ts';

/** What made the results: with it they can be had again. */
export interface Provenance {
  /** As it was typed, from `qedge` on. */
  readonly command: string;
  readonly version: string;
  readonly commit: string;
}

/** Goal, load, time and seeds; and how to read the figures when there is more than one seed. */
export function factsOf({ qos, load, durationMs, network }: Scenario, results: readonly RunResult[]): string {
  const seeds = [...new Set(results.map(({ seed }) => seed))];
  const goal = `${percent(qos.successRatio)} of requests within ${qos.latencyMs} ms over ${qos.windowMs / 1_000} s`;
  const run = `Load × ${load}, ${durationMs / 1_000} s, jitter ${network.jitterMs} ms`;
  if (seeds.length === 1) return `Goal: ${goal}. ${run}, seed ${seeds[0]}.`;
  return `Goal: ${goal}. ${run}, ${seeds.length} seeds from ${seeds[0]}: their mean, the worst one in brackets.`;
}
