// Which instances are in play and with what weight: all that are up, or a subset of them when they are many; weights by round
// trip at the cold start, a modest share for one that joins later.

import type { Candidate } from '../../domain.ts';
import type { Rng } from '../../rng.ts';
import { grownFloat64 } from '../../stats/grown.ts';
import { CandidateSubset } from './candidate-subset.ts';
import { normalise, stepWeights } from './multiplicative-weights.ts';
import type { QedgeOptions } from './options.ts';
import { startWeight } from './reach.ts';

/** A new instance joins with this share of a fair share of the requests. */
const JOIN_SHARE = 0.5;
/** Weights within this factor of the floor are at the floor: normalising moves them a little. */
const FLOOR_SLACK = 1.5;

export class ActiveSet {
  readonly #options: QedgeOptions;
  readonly #latencyMs: number;
  readonly #subset: CandidateSubset;
  /** w: sums to 1 over the members, 0 for everybody else. By handle. */
  weights: Float64Array<ArrayBuffer> = new Float64Array(0);
  members: readonly Candidate[] = [];
  /** Nothing was sent yet: weights are made from estimates alone, anew whenever somebody joins. */
  cold = true;
  #up: readonly Candidate[] = [];
  /** 1 for those that were in play before. */
  #seen: Float64Array<ArrayBuffer> = new Float64Array(0);

  constructor(options: QedgeOptions, latencyMs: number, rng: Rng) {
    const { candidates_max: candidatesMax, nearest, rotation: rotationMs } = options;
    this.#options = options;
    this.#latencyMs = latencyMs;
    this.#subset = new CandidateSubset({ candidatesMax, nearest, rotationMs }, rng);
  }

  /** Those with availability `up`. */
  get up(): readonly Candidate[] {
    return this.#up;
  }

  /** Makes room for a candidate that joins; it is in play once `update` was told. */
  learnOf(handle: number): void {
    this.weights = grownFloat64(this.weights, handle + 1);
    this.#seen = grownFloat64(this.#seen, handle + 1);
    this.forget(handle);
  }

  /** The candidate of this handle is gone. */
  forget(handle: number): void {
    this.weights[handle] = 0;
    this.#seen[handle] = 0;
    this.members = this.members.filter((member) => member.handle !== handle);
  }

  /** The set or the round trips changed. */
  update(candidates: readonly Candidate[]): void {
    this.#up = candidates.filter(({ availability }) => availability === 'up');
    this.#setMembers(this.#subset.choose(this.#up, this.members));
  }

  /** A step begins: the weakest may have to make room. */
  refresh(nowMs: number): void {
    const floor = (FLOOR_SLACK * this.#options.floor) / this.members.length;
    const isWeak = ({ handle }: Candidate): boolean => (this.weights[handle] as number) <= floor;
    const rotated = this.#subset.rotate(this.#up, this.members, { nowMs, isWeak });
    if (rotated !== this.members) this.#setMembers(rotated);
  }

  /** One step of the slow loop by the costs of the members. */
  step(costs: Float64Array, stepMs: number): void {
    const { learning_rate: learningRate, fall_max: fallMax, rise_max: riseMax, floor } = this.#options;
    const arrays = { weights: this.weights, costs };
    stepWeights(this.members, arrays, { stepSeconds: stepMs / 1000, learningRate, fallMax, riseMax, floor });
  }

  /**
   * Weights were put back for `restored`: they stay in play before all others. What those
   * others have is kept when it was learned, and a newcomer's share when it was only estimated.
   */
  restore(restored: readonly Candidate[]): void {
    if (restored.length === 0) return;
    const back = new Set(restored);
    const estimated = this.cold;
    this.cold = false;
    this.members = this.#subset.choose(this.#up, [...restored, ...this.members]);
    const members = new Set(this.members);
    for (const candidate of this.#up) {
      const { handle } = candidate;
      if (!members.has(candidate)) this.weights[handle] = 0;
      else if (back.has(candidate)) this.#seen[handle] = 1;
      else if (estimated) this.weights[handle] = JOIN_SHARE / members.size;
      else if (this.weights[handle] === 0) this.weights[handle] = this.#joinWeight(candidate);
    }
    normalise(this.members, this.weights);
  }

  reset(): void {
    this.cold = true;
    this.weights.fill(0);
    this.#seen.fill(0);
    this.members = [];
    this.update(this.#up);
  }

  /** Puts others in play: those who stay keep their proportions, newcomers get what `#joinWeight` says. */
  #setMembers(next: readonly Candidate[]): void {
    const before = new Set(this.members);
    const after = new Set(next);
    for (const member of before) {
      this.#seen[member.handle] = 1;
      if (!after.has(member)) this.weights[member.handle] = 0;
    }
    this.members = next;
    if (this.cold) {
      this.#startWeights();
      return;
    }
    normalise(
      next.filter((member) => before.has(member)),
      this.weights,
    );
    for (const member of next) if (!before.has(member)) this.weights[member.handle] = this.#joinWeight(member);
    normalise(next, this.weights);
  }

  /** Half a fair share for a new instance; the floor for one that was in play before and comes back. */
  #joinWeight({ handle }: Candidate): number {
    return (this.#seen[handle] === 1 ? this.#options.floor : JOIN_SHARE) / this.members.length;
  }

  /** The cold start: by round trip, the own node first. */
  #startWeights(): void {
    for (const { handle, rttMs, local } of this.members) {
      this.weights[handle] = this.#options.cold_start ? startWeight(rttMs, this.#latencyMs, local) : 1;
    }
    normalise(this.members, this.weights);
  }
}
