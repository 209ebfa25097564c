// Results world by world: what each policy reached in it.

import type { RunMetrics } from '../../../src/sim/results/metrics.ts';
import type { KindName } from './kinds.ts';
import type { WorldResult } from './run.ts';

export const ORACLE = 'oracle';
/** Policies that learn little or nothing: the default must not fall behind them anywhere. */
export const SIMPLE_POLICIES = ['round-robin', 'least-connections', 'p2c-ewma'] as const;

export interface Compared {
  readonly kind: KindName;
  readonly world: WorldResult['world'];
  readonly byPolicy: ReadonlyMap<string, WorldResult>;
}

export function compare(results: readonly WorldResult[]): Compared[] {
  const worlds = new Map<string, { kind: KindName; world: WorldResult['world']; byPolicy: Map<string, WorldResult> }>();
  for (const result of results) {
    const { name } = result.world;
    const known = worlds.get(name) ?? { kind: result.kind, world: result.world, byPolicy: new Map() };
    known.byPolicy.set(result.policy, result);
    worlds.set(name, known);
  }
  return [...worlds.values()];
}

/** A policy's figure in a world; NaN where it was not run. */
export function figureIn({ byPolicy }: Compared, policy: string, value: (metrics: RunMetrics) => number): number {
  const result = byPolicy.get(policy);
  return result === undefined ? Number.NaN : value(result.metrics);
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
  const requests = byPolicy.values().next().value?.steadyRequests ?? 0;
  return 2 * Math.sqrt((2 * share * (1 - share)) / Math.max(1, requests));
}

// ---- overload ----

/** Requests per second that succeeded, as a share of what all instances carry; in the steady part. */
export function goodputRatio({ world, byPolicy }: Compared, policy: string): number {
  const result = byPolicy.get(policy);
  return result === undefined
    ? Number.NaN
    : (result.metrics.steadySuccessRatio * world.demandRate) / world.capacityRate;
}

/** The same while capacity is at 60 % of the load: the first event of the world. */
export function fallenGoodputRatio({ byPolicy }: Compared, policy: string): number {
  const fall = byPolicy.get(policy)?.metrics.disturbances[0];
  return fall === undefined ? Number.NaN : fall.successRatio / 0.6;
}

/** Seconds until success is back after the last event; +Infinity: never. */
export function recoveryS({ byPolicy }: Compared, policy: string): number {
  const back = byPolicy.get(policy)?.metrics.disturbances.at(-1);
  return back === undefined ? Number.NaN : (back.recoveryS ?? Number.POSITIVE_INFINITY);
}
