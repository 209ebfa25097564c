// Algorithm 1, lines 4–21: which instances are trusted (exploitation), which are being tried out (exploration), and what share of the
// requests each gets.

import type { Candidate } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';

export interface PoolParameters {
  /** ρ: from this success probability on, an instance is trusted. */
  readonly successRatio: number;
  /** η: keeps every score above zero and flattens differences. */
  readonly smoothing: number;
}

/** The pools of one service, by handle. */
export class QosPool {
  readonly #parameters: PoolParameters;
  /** w: sums to 1 over the pool, 0 outside it. */
  weights: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** μ̂ as of the last step; NaN without samples. */
  success: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Members of Q, in no particular order. */
  readonly members: Candidate[] = [];

  constructor(parameters: PoolParameters) {
    this.#parameters = parameters;
  }

  ensureHandles(handles: number): void {
    this.weights = grownFloat64(this.weights, handles);
    this.success = grownFloat64(this.success, handles, Number.NaN);
  }

  has(handle: number): boolean {
    return (this.weights[handle] ?? 0) > 0;
  }

  isTrusted(handle: number): boolean {
    // NaN is not: an instance without samples is explored.
    return (this.success[handle] ?? Number.NaN) >= this.#parameters.successRatio;
  }

  /** Makes both pools of the feasible instances, by the `success` set before, and shares out 1 − ε and ε. */
  rebuild(feasible: readonly Candidate[], explorationShare: number): void {
    this.weights.fill(0);
    this.members.length = 0;
    for (const candidate of feasible) this.members.push(candidate);
    const sums = this.#scoreSums(this.members);
    const both = sums.exploitation > 0 && sums.exploration > 0;
    for (const { handle } of this.members) {
      const trusted = this.isTrusted(handle);
      const share = both ? (trusted ? 1 - explorationShare : explorationShare) : 1;
      const sum = trusted ? sums.exploitation : sums.exploration;
      this.weights[handle] = (share * this.#score(handle, sums.bestExplored)) / sum;
    }
  }

  /** Algorithm 3, line 5: a new member with weight w₀ = ε/(|Q| + 1); the others make room. */
  join(candidate: Candidate, explorationShare: number): void {
    const weight = this.members.length === 0 ? 1 : explorationShare / (this.members.length + 1);
    for (const { handle } of this.members) this.weights[handle] = (this.weights[handle] ?? 0) * (1 - weight);
    this.members.push(candidate);
    this.weights[candidate.handle] = weight;
  }

  /** Algorithm 4, lines 3–6: out of Q, and the rest renormalised. Nothing happens to one that is not in. */
  leave(handle: number): void {
    const at = this.members.findIndex((member) => member.handle === handle);
    if (at < 0) return;
    this.members.splice(at, 1);
    this.weights[handle] = 0;
    let sum = 0;
    for (const member of this.members) sum += this.weights[member.handle] ?? 0;
    for (const member of this.members) {
      // ε may have decayed to nothing: when only such members are left, they share equally.
      this.weights[member.handle] = sum > 0 ? (this.weights[member.handle] ?? 0) / sum : 1 / this.members.length;
    }
  }

  /** Puts back weights that were learned before; renormalised over the members. Ignored when they sum to nothing. */
  restoreWeights(weightOf: (candidate: Candidate) => number): void {
    let sum = 0;
    for (const member of this.members) sum += weightOf(member);
    if (!(sum > 0)) return;
    for (const member of this.members) this.weights[member.handle] = weightOf(member) / sum;
  }

  #scoreSums(members: readonly Candidate[]): { exploitation: number; exploration: number; bestExplored: number } {
    const { successRatio, smoothing } = this.#parameters;
    let bestExplored = Number.NEGATIVE_INFINITY;
    for (const { handle } of members) {
      const success = this.success[handle] ?? Number.NaN;
      if (success < successRatio) bestExplored = Math.max(bestExplored, success / successRatio + smoothing);
    }
    // None to compare with: as good as an explored instance can be.
    if (bestExplored === Number.NEGATIVE_INFINITY) bestExplored = 1 + smoothing;
    let exploitation = 0;
    let exploration = 0;
    for (const { handle } of members) {
      const score = this.#score(handle, bestExplored);
      if (this.isTrusted(handle)) exploitation += score;
      else exploration += score;
    }
    return { exploitation, exploration, bestExplored };
  }

  #score(handle: number, bestExplored: number): number {
    const { successRatio, smoothing } = this.#parameters;
    const success = this.success[handle] ?? Number.NaN;
    if (Number.isNaN(success)) return bestExplored;
    return success >= successRatio ? success - successRatio + smoothing : success / successRatio + smoothing;
  }
}
