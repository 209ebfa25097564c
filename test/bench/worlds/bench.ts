// Generated worlds, benchmarked: which worlds at which depth, and the tables that come of it.

import { compare, ORACLE, SIMPLE_POLICIES } from './comparison.ts';
import { KINDS, type KindName, seedOf } from './kinds.ts';
import { runWorlds, type WorldTask } from './run.ts';
import { eachWorld, worldTables } from './tables.ts';

/** How many worlds of each kind. */
const DEPTHS = {
  quick: {
    'tight-1.0': 4,
    'tight-1.1': 4,
    'tight-1.2': 2,
    overload: 2,
    'capacity-falls': 2,
    'little-information': 1,
    'few-good': 3,
    recovered: 3,
    'two-bad': 4,
    mixed: 18,
    moving: 18,
  },
  full: {
    'tight-1.0': 12,
    'tight-1.1': 12,
    'tight-1.2': 12,
    overload: 8,
    'capacity-falls': 8,
    'little-information': 4,
    'few-good': 8,
    recovered: 8,
    'two-bad': 10,
    mixed: 120,
    moving: 120,
  },
} as const satisfies Record<string, Record<KindName, number>>;

export type WorldDepth = keyof typeof DEPTHS;

export interface WorldsBenchOptions {
  readonly depth: WorldDepth;
  readonly set: 'train' | 'test';
  /** The first world's seed in place of the set's; null: the set's. */
  readonly seed: number | null;
  /** Draws of the requests in each world: one is quick, a verdict on one world takes several. */
  readonly arrivals: number;
  /** Null: all. */
  readonly kinds: readonly string[] | null;
  readonly subject: string;
  /** Null: the subject, the simple ones and the oracle. */
  readonly policies: readonly string[] | null;
  readonly each: boolean;
  readonly jobs: number;
  readonly onProgress: (done: number, all: number) => void;
}

export async function benchWorlds(options: WorldsBenchOptions): Promise<string> {
  const { subject } = options;
  const policies = options.policies ?? [ORACLE, subject, ...SIMPLE_POLICIES];
  const tasks = tasksOf(options, policies);
  const results = await runWorlds(tasks, options.jobs, (done) => options.onProgress(done, tasks.length));
  const worlds = compare(results);
  const lines = options.each ? [eachWorld(worlds, { policies, subject })] : [];
  const cpuS = results.reduce((sum, result) => sum + result.cpuS, 0);
  return [
    ...lines,
    worldTables(worlds, { policies, subject }),
    `${worlds.length} worlds of ${seedsOf(options)}, ${options.arrivals === 1 ? 'one arrival' : `the mean of ${options.arrivals} arrivals`} each, ${results.length} runs, ${(cpuS / 60).toFixed(1)} CPU minutes.`,
  ].join('\n\n');
}

function seedsOf({ set, seed }: WorldsBenchOptions): string {
  return seed === null ? `the ${set} seeds` : `the seeds from ${seed} on`;
}

function tasksOf(options: WorldsBenchOptions, policies: readonly string[]): WorldTask[] {
  const { depth, set, kinds } = options;
  const first = options.seed ?? seedOf(set, 0);
  const arrivals = Array.from({ length: options.arrivals }, (_, k) => k);
  const known = Object.keys(KINDS) as KindName[];
  for (const kind of kinds ?? []) {
    if (!(kind in KINDS)) throw new Error(`--kinds ${kind}: expected some of ${known.join(', ')}`);
  }
  return known
    .filter((kind) => kinds === null || kinds.includes(kind))
    .flatMap((kind) =>
      Array.from({ length: DEPTHS[depth][kind] }, (_, n) => first + n).flatMap((seed) =>
        arrivals.flatMap((arrival) => policies.map((policy) => ({ kind, seed, arrival, policy }))),
      ),
    );
}
