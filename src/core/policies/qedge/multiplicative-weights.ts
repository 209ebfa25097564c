// The slow loop: damped multiplicative weights. Every load balancer nudges its weights from instances that cost it more
// than its average towards those that cost less; because none jumps, many of them deciding alone converge like the players
// of a congestion game instead of herding (Kleinberg, Piliouras, Tardos, "Multiplicative updates outperform generic
// no-regret learning in congestion games", STOC 2009).

import type { Candidate } from '../../domain.ts';

export interface WeightStep {
  /** Δt in seconds. */
  readonly stepSeconds: number;
  /** γ, 1/s. */
  readonly learningRate: number;
  readonly fallMax: number;
  readonly riseMax: number;
  /** φ: the members share it equally as the least that they keep. */
  readonly floor: number;
}

/** One step: w_m ← max(φ/n, w_m · exp(clamp(−γΔt(c_m − c̄)))), renormalised. `weights` and `costs` are by handle. */
export function stepWeights(
  members: readonly Candidate[],
  arrays: { readonly weights: Float64Array; readonly costs: Float64Array },
  step: WeightStep,
): void {
  const { weights, costs } = arrays;
  let mean = 0;
  for (const { handle } of members) mean += (weights[handle] as number) * (costs[handle] as number);
  const least = step.floor / members.length;
  const down = -step.fallMax * step.stepSeconds;
  const up = step.riseMax * step.stepSeconds;
  for (const { handle } of members) {
    const drift = -step.learningRate * step.stepSeconds * ((costs[handle] as number) - mean);
    const moved = (weights[handle] as number) * Math.exp(Math.min(up, Math.max(down, drift)));
    weights[handle] = Math.max(least, moved);
  }
  normalise(members, weights);
}

/** Scales the members' weights to a sum of 1; equal shares when they sum to nothing. */
export function normalise(members: readonly Candidate[], weights: Float64Array): void {
  let sum = 0;
  for (const { handle } of members) sum += weights[handle] as number;
  for (const { handle } of members) weights[handle] = sum > 0 ? (weights[handle] as number) / sum : 1 / members.length;
}
