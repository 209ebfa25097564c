// Which instances are in play and with what weight: all that take requests; weights by round trip at the cold start, a modest share for
// one that joins later.
//
// Deviation: the pseudo-code keeps eight of many in play. Where few of many are good it may never try them, and where one load
// balancer needs all of them it fills the eight; multiplicative weights find the good among n in a time that grows with log n.

import type { Candidate } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';
import type { Estimates } from './estimates.ts';
import { normalise, stepWeights } from './multiplicative-weights.ts';
import type { QedgeOptions } from './options.ts';
import { startWeight } from './prior.ts';

/** A new instance joins with this share of a fair share of the requests. */
const JOIN_SHARE = 0.5;

export class ActiveSet {
  readonly #options: QedgeOptions;
  readonly #latencyMs: number;
  /** w: sums to 1 over the members, 0 for all others. By handle. */
  weights: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Those in play. */
  members: readonly Candidate[] = [];
  /** Nothing was sent yet: weights are made from estimates alone, again whenever one joins. */
  cold = true;

  constructor(options: QedgeOptions, latencyMs: number) {
    this.#options = options;
    this.#latencyMs = latencyMs;
  }

  /** Makes room for a candidate that joins; it is in play once `update` has it. */
  learnOf(handle: number): void {
    this.weights = grownFloat64(this.weights, handle + 1);
    this.forget(handle);
  }

  /** The candidate of this handle is gone. */
  forget(handle: number): void {
    this.weights[handle] = 0;
  }

  /** The set or the round trips changed: those who stay keep their proportions. */
  update(candidates: readonly Candidate[]): void {
    const { weights } = this;
    for (const { handle, inPlay } of candidates) if (!inPlay) weights[handle] = 0;
    this.members = candidates.filter(({ inPlay }) => inPlay);
    if (this.cold) this.#startWeights();
    else this.#admit();
  }

  /** One step of the slow loop by the costs of the members. */
  step(estimates: Estimates, stepMs: number): void {
    const { learning_rate, fall_max: fallMax, rise_max: riseMax, floor } = this.#options;
    const arrays = { weights: this.weights, costs: estimates.costs };
    const stepSeconds = stepMs / 1000;
    stepWeights(this.members, arrays, {
      stepSeconds,
      learningRate: learning_rate * estimates.trust(this.members.length),
      fallMax,
      riseMax,
      floor,
    });
  }

  /**
   * Weights were put back for `restored`. What the others have is kept when it was learned, and made a newcomer's share when it
   * was only estimated.
   */
  restore(restored: readonly Candidate[]): void {
    if (restored.length === 0) return;
    if (this.cold) {
      const back = new Set(restored);
      for (const member of this.members) if (!back.has(member)) this.weights[member.handle] = 0;
    }
    this.cold = false;
    this.#admit();
  }

  reset(): void {
    this.cold = true;
    this.#startWeights();
  }

  /** Gives a newcomer's share to each member without a weight. */
  #admit(): void {
    const { members, weights } = this;
    const present = members.filter(({ handle }) => (weights[handle] as number) > 0);
    if (present.length > 0) normalise(present, weights);
    for (const { handle } of members) if (weights[handle] === 0) weights[handle] = JOIN_SHARE / members.length;
    normalise(members, weights);
  }

  /** The cold start: by round trip, the own node first. */
  #startWeights(): void {
    for (const { handle, rttMs, local } of this.members) {
      this.weights[handle] = this.#options.cold_start ? startWeight(rttMs, this.#latencyMs, local) : 1;
    }
    normalise(this.members, this.weights);
  }
}
