// Results world by world: what each policy reached in it, in the mean of its arrivals.

import type { RunMetrics } from '../../../src/sim/results/metrics.ts';
import type { KindName } from './kinds.ts';
import type { WorldResult } from './run.ts';

export const ORACLE = 'oracle';
/** Policies that learn little or nothing: the default must not fall behind them anywhere. */
export const SIMPLE_POLICIES = ['round-robin', 'least-connections', 'p2c-ewma'] as const;

export interface Compared {
  readonly kind: KindName;
  readonly world: WorldResult['world'];
  readonly byPolicy: ReadonlyMap<string, readonly WorldResult[]>;
}

export function compare(results: readonly WorldResult[]): Compared[] {
  const worlds = new Map<
    string,
    { kind: KindName; world: WorldResult['world']; byPolicy: Map<string, WorldResult[]> }
  >();
  for (const result of results) {
    const { name } = result.world;
    const known = worlds.get(name) ?? { kind: result.kind, world: result.world, byPolicy: new Map() };
    const before = known.byPolicy.get(result.policy) ?? [];
    known.byPolicy.set(result.policy, [...before, result]);
    worlds.set(name, known);
  }
  return [...worlds.values()];
}

/** A policy's figure in a world; NaN where it was not run. */
export function figureIn(world: Compared, policy: string, value: (metrics: RunMetrics) => number): number {
  return resultIn(world, policy, ({ metrics }) => value(metrics));
}

/** The same of a run's result. */
export function resultIn({ byPolicy }: Compared, policy: string, value: (result: WorldResult) => number): number {
  return mean((byPolicy.get(policy) ?? []).map(value));
}

export const steady = (metrics: RunMetrics): number => metrics.steadySuccessRatio;
export const satisfied = (metrics: RunMetrics): number => metrics.satisfiedRatio;

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The simple policy that is best in a world, and its steady success. */
export function bestSimple(world: Compared): { policy: string; success: number } {
  return SIMPLE_POLICIES.map((policy) => ({ policy, success: figureIn(world, policy, steady) }))
    .filter(({ success }) => !Number.isNaN(success))
    .reduce((best, one) => (one.success > best.success ? one : best), {
      policy: 'none',
      success: Number.NEGATIVE_INFINITY,
    });
}

/** Two standard errors of a share of the world's steady requests: what chance alone may make of a difference. */
export function chance({ byPolicy }: Compared, share: number): number {
  const runs: readonly WorldResult[] = byPolicy.values().next().value ?? [];
  const requests = runs.reduce((sum, { steadyRequests }) => sum + steadyRequests, 0);
  return 2 * Math.sqrt((2 * share * (1 - share)) / Math.max(1, requests));
}

// ---- overload ----

/** Requests per second that succeeded, as a share of what all instances carry; in the steady part. */
export function goodputRatio(compared: Compared, policy: string): number {
  const { demandRate, capacityRate } = compared.world;
  return (figureIn(compared, policy, steady) * demandRate) / capacityRate;
}

/** The same while capacity is at 60 % of the load: the first event of the world. */
export function fallenGoodputRatio(world: Compared, policy: string): number {
  return figureIn(world, policy, ({ disturbances }) => (disturbances[0]?.successRatio ?? Number.NaN) / 0.6);
}

/** Seconds until success is back after the last event; +Infinity: never. */
export function recoveryS(world: Compared, policy: string): number {
  return figureIn(world, policy, ({ disturbances }) => {
    const back = disturbances.at(-1);
    return back === undefined ? Number.NaN : (back.recoveryS ?? Number.POSITIVE_INFINITY);
  });
}
