// Which instances are active and with what weight: all that take requests; weights by round trip at the cold start, a modest share for
// one that joins later.
//
// Deviation: the pseudo-code keeps eight of many active. Where few of many are good it may never try them, and where one load
// balancer needs all of them it fills the eight; multiplicative weights find the good among n in a time that grows with log n.

import type { Candidate } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';
import type { Estimates } from './estimates.ts';
import type { Memory } from './memory.ts';
import { normalise, stepWeights } from './multiplicative-weights.ts';
import type { QedgeOptions } from './options.ts';
import { startWeight } from './prior.ts';
import type { Turns } from './turns.ts';

/** The share of a fair share of the requests that a new instance joins with. */
const JOIN_SHARE = 0.5;
/** The most that an ejected instance comes back with: if it had all the weight, its substitutes keep the rest. */
const RETURN_SHARE_MAX = 0.99;
/**
 * What neighbours saw is taken in for so many steps from a cold start on, two seconds: those that start at the same time have said
 * nothing by then, and do not follow one another.
 */
const CATCH_UP_STEPS = 4;
/**
 * It moves the weights as far as so many seconds of decision steps would. They speak of half a minute; half of that, as 15 is one over
 * the error of a success ratio by the few dozen answers that are counted.
 */
const CATCH_UP_SECONDS = 15;
/** Steps, ten seconds, in which what neighbours say of an instance that joins moves the share that it joined with. */
const NEWCOMER_STEPS = 20;
/**
 * As far as so many seconds of decision steps would where one neighbour speaks, by the root of their number more: one over the error of a
 * success ratio by a single answer, since the answers of one neighbour are of one mind.
 */
const VOICE_SECONDS = 2.5;

/** Shares follow where turns went within so many requests, but by no more than this a second. */
const PULL_REQUESTS = 100;
const PULL_MAX = 0.6;

export class ActiveSet {
  readonly #options: QedgeOptions;
  readonly #latencyMs: number;
  /** w, indexed by handle: sums to 1 over the members, 0 for all others. */
  weights: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** The share that an ejected instance comes back with; 0 for others. Indexed by handle. */
  #returnShare: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** The active candidates. */
  members: readonly Candidate[] = [];
  /** True until a request is sent: weights are made from estimates alone, again whenever a candidate joins. */
  cold = true;
  /** Steps left in which the weights may take in what neighbours saw. */
  #catchUpSteps = CATCH_UP_STEPS;
  /** How far the log-weight has fallen by what neighbours saw. Indexed by handle. */
  #caughtUp: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Steps for which an instance that joined is still a newcomer. Indexed by handle. */
  #newcomerSteps: Float64Array<ArrayBuffer> = new Float64Array(0);

  constructor(options: QedgeOptions, latencyMs: number) {
    this.#options = options;
    this.#latencyMs = latencyMs;
  }

  /** Makes room for a candidate that joins; it is active once `update` has it. */
  learnOf(handle: number): void {
    this.weights = grownFloat64(this.weights, handle + 1);
    this.#returnShare = grownFloat64(this.#returnShare, handle + 1);
    this.#caughtUp = grownFloat64(this.#caughtUp, handle + 1);
    this.#newcomerSteps = grownFloat64(this.#newcomerSteps, handle + 1);
    this.forget(handle);
  }

  /** The candidate of this handle is gone. */
  forget(handle: number): void {
    this.weights[handle] = 0;
    this.#returnShare[handle] = 0;
    this.#caughtUp[handle] = 0;
    this.#newcomerSteps[handle] = 0;
  }

  /**
   * The set or the round trips changed: those that stay keep their proportions. One that was ejected comes back with what it had, less what
   * failed of its attempts: no decision step meets one that asks for a pause again and again.
   */
  update(candidates: readonly Candidate[], memory: Memory): void {
    const { weights } = this;
    for (const { handle, isActive, ejected } of candidates) {
      const weight = weights[handle] as number;
      if (isActive || weight === 0) continue;
      this.#returnShare[handle] = ejected ? Math.min(RETURN_SHARE_MAX, weight * memory.success(handle, 1)) : 0;
      weights[handle] = 0;
    }
    this.members = candidates.filter(({ isActive }) => isActive);
    if (this.cold) this.#startWeights();
    else this.#admit();
  }

  /** Takes in what neighbours saw, soon after a cold start and where one joined: weights as if all had long been here. */
  catchUp(estimates: Estimates): void {
    if (this.members.length === 0) return;
    if (this.#catchUpSteps === 0) this.#judgeNewcomers(estimates);
    else this.#catchUpAll(estimates);
  }

  /** Takes one step of the slow loop by the costs of the members. */
  step(estimates: Estimates, turns: Turns, stepMs: number): void {
    this.#follow(turns, stepMs);
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
    this.#catchUpSteps = 0;
    this.#admit();
  }

  reset(): void {
    this.cold = true;
    this.#catchUpSteps = CATCH_UP_STEPS;
    this.#startWeights();
  }

  #catchUpAll({ heard, heardSuccess }: Estimates): void {
    this.#catchUpSteps--;
    if (!heard) return;
    // An instance that no neighbour speaks of is mostly avoided, not better: it counts as good as the others.
    const meanSuccess = this.#meanOf(heardSuccess);
    for (const { handle } of this.members) {
      const success = heardSuccess[handle] as number;
      this.#fall(handle, CATCH_UP_SECONDS * (1 - (Number.isNaN(success) ? meanSuccess : success)));
    }
    normalise(this.members, this.weights);
  }

  /** A newcomer that is worse, by what neighbours saw, than the others are here falls at once: its share is no learned one. */
  #judgeNewcomers({ heardSuccess, heardVoices, success }: Estimates): void {
    const newcomers = this.members.filter(({ handle }) => (this.#newcomerSteps[handle] as number) > 0);
    const meanSuccess = newcomers.length === 0 ? 0 : this.#meanOf(success);
    let hasMoved = false;
    for (const { handle } of newcomers) {
      (this.#newcomerSteps[handle] as number)--;
      const before = this.#caughtUp[handle];
      // NaN where no believed neighbour speaks of it: it gets back what it fell by.
      const worse = meanSuccess - (heardSuccess[handle] as number);
      this.#fall(handle, worse > 0 ? VOICE_SECONDS * Math.sqrt(heardVoices[handle] as number) * worse : 0);
      hasMoved ||= this.#caughtUp[handle] !== before;
    }
    if (hasMoved) normalise(this.members, this.weights);
  }

  /** Sets how far the log-weight has fallen by what neighbours saw: as many seconds of decision steps. */
  #fall(handle: number, seconds: number): void {
    const fall = this.#options.learning_rate * seconds;
    (this.weights[handle] as number) *= Math.exp((this.#caughtUp[handle] as number) - fall);
    this.#caughtUp[handle] = fall;
  }

  /** Moves shares to where turns went for good. */
  #follow(turns: Turns, stepMs: number): void {
    const pull = Math.min((PULL_MAX * stepMs) / 1000, turns.requests / PULL_REQUESTS);
    for (const { handle } of this.members) {
      const weight = this.weights[handle] as number;
      this.weights[handle] = Math.max(weight / 2, weight + pull * turns.shift(handle));
    }
    turns.step(this.members);
    normalise(this.members, this.weights);
  }

  /** Returns the mean, by weight, over the members that have a value. */
  #meanOf(values: Float64Array): number {
    let sum = 0;
    let weights = 0;
    for (const { handle } of this.members) {
      if (Number.isNaN(values[handle])) continue;
      sum += (this.weights[handle] as number) * (values[handle] as number);
      weights += this.weights[handle] as number;
    }
    return sum / weights;
  }

  /** Gives a share to each member without a weight: that of a newcomer, or what it had before it was ejected. */
  #admit(): void {
    const { members, weights } = this;
    const present = members.filter(({ handle }) => (weights[handle] as number) > 0);
    if (present.length > 0) normalise(present, weights);
    for (const { handle } of members) {
      if (weights[handle] !== 0) continue;
      const returnShare = this.#returnShare[handle] as number;
      weights[handle] = returnShare > 0 ? returnShare / (1 - returnShare) : JOIN_SHARE / members.length;
      if (returnShare === 0) this.#newcomerSteps[handle] = NEWCOMER_STEPS;
      this.#returnShare[handle] = 0;
    }
    normalise(members, weights);
  }

  /** Sets the weights of the cold start: by round trip, the own node first. */
  #startWeights(): void {
    for (const { handle, rttMs, local } of this.members) {
      this.weights[handle] = this.#options.cold_start ? startWeight(rttMs, this.#latencyMs, local) : 1;
      // What neighbours saw and was taken in already is taken in again, though the time for it may be over.
      if ((this.#caughtUp[handle] as number) > 0) this.#catchUpSteps = Math.max(1, this.#catchUpSteps);
      this.#caughtUp[handle] = 0;
    }
    normalise(this.members, this.weights);
  }
}
