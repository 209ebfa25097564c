// Accuracy, latency and energy at once, after the multi-objective load balancing of object detection on edge devices (Algorithm 1):
//
//   1. keep the instances whose accuracy for the request's group is within δ of the best one's
//   2. L = T_g · (queue + 1), both L and E_g normalised over those that are kept; the least γ·L̃ + (1 − γ)·Ẽ wins, ties at random
//
// The paper trusts its profiles. With `adapt` T_g follows the answers, the way there counts, and what keeps within τ goes before what does
// not, no matter how accurate it is.

import type { Candidate, Outcome, RequestInfo } from '../../domain.ts';
import { meanOf, ofGroup } from '../../profile.ts';
import { numberOf } from '../../snapshot-shape.ts';
import { grownFloat64 } from '../../stats/grown.ts';
import { BasePolicy } from '../base-policy.ts';
import { definePolicy } from '../definition.ts';
import { Least } from '../least.ts';
import type { CandidateView, PolicyContext } from '../policy.ts';
import { InferenceTime } from './inference-time.ts';
import { ProfileTable } from './profile-table.ts';

/** No instance is so much slower than its profile; nor does one take so many ms. */
const RATIO_MAX = 1e6;

/** The policy as the registry lists it. */
export const MULTI_OBJECTIVE = definePolicy({
  about: 'accurate enough, then quick and sparing: by the profiles of the instances and the group of the request',
  picks: 'takes the least score of time and energy among the accurate ones, one of equals by lot',
  options: {
    gamma: { kind: 'number', default: 0.5, min: 0, max: 1, about: 'weight of latency against energy (γ)' },
    delta: {
      kind: 'number',
      default: 5,
      min: 0,
      max: 1e6,
      about: 'accuracy that may be given up, in its own unit (δ)',
    },
    adapt: { kind: 'boolean', default: true, about: 'inference times follow the answers; false: the profiles alone' },
  },
  create: (options, context) => new MultiObjective(options, context),
});

interface MultiObjectiveOptions {
  readonly gamma: number;
  readonly delta: number;
  readonly adapt: boolean;
}

/** Least and greatest of what was added. */
interface Span {
  min: number;
  max: number;
}

class MultiObjective extends BasePolicy {
  readonly name = 'multi-objective';
  readonly #options: MultiObjectiveOptions;
  readonly #context: PolicyContext;
  readonly #profiles = new ProfileTable();
  readonly #inference: InferenceTime;
  readonly #least: Least;
  /** Expected latency of the request that is being placed, by handle, ms. */
  #expectedMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  readonly #latency: Span = { min: 0, max: 0 };
  readonly #energy: Span = { min: 0, max: 0 };
  /** What a candidate needs to be kept in stage 1, as of the last `#filter`. */
  #accuracyMin = 0;
  #latencyMax = 0;

  constructor(options: MultiObjectiveOptions, context: PolicyContext) {
    super();
    this.#options = options;
    this.#context = context;
    this.#least = new Least(context.rng);
    const { latencyMs: limitMs, windowMs } = context.qos;
    this.#inference = new InferenceTime({ limitMs, windowMs });
  }

  select(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    const group = this.#context.groups.of(request.clientId);
    this.#filter(candidates, group, nowMs);
    this.#normalise(candidates, group);
    const least = this.#least;
    least.begin();
    for (const candidate of candidates) {
      if (this.#isKept(candidate, group)) least.offer(candidate, this.#scoreOf(candidate, group));
    }
    return least.picked;
  }

  override observe(outcome: Outcome, nowMs: number): void {
    if (outcome.kind === 'end') this.#inference.observe(outcome, this.#profiledMs(outcome.candidate), nowMs);
  }

  override update(candidates: readonly Candidate[], nowMs: number): void {
    super.update(candidates, nowMs);
    // The same instance may come with another profile.
    for (const candidate of candidates) this.#profiles.set(candidate);
  }

  override view(candidate: Candidate, nowMs: number): CandidateView {
    const { accuracy, energyMwh } = this.#profiles.of(candidate);
    const inferenceMs = this.#inference.of(candidate, this.#profiledMs(candidate), nowMs);
    const known = { accuracy: meanOf(accuracy), energyMwh: meanOf(energyMwh), inferenceMs };
    return {
      ...super.view(candidate, nowMs),
      processingMs: Number.isNaN(inferenceMs) ? null : inferenceMs,
      samples: this.#inference.samplesOf(candidate),
      extra: Object.fromEntries(Object.entries(known).filter(([, value]) => !Number.isNaN(value))),
    };
  }

  override snapshot(nowMs: number): unknown {
    const instances: Record<string, number> = {};
    for (const candidate of this.candidateDiff) {
      const ratio = this.#inference.ratioOf(candidate, this.#profiledMs(candidate), nowMs);
      if (ratio !== null) instances[candidate.key] = ratio;
    }
    return { version: 1, instances };
  }

  override restore(snapshot: unknown, ageMs: number, nowMs: number): void {
    for (const [candidate, ratio] of this.savedIn(snapshot)) {
      const known = numberOf(ratio, { min: 0, max: RATIO_MAX, otherwise: Number.NaN });
      if (!Number.isNaN(known)) this.#inference.restore(candidate, known, nowMs - ageMs);
    }
  }

  protected override learnOf(candidate: Candidate): void {
    this.#expectedMs = grownFloat64(this.#expectedMs, candidate.handle + 1);
    this.#inference.join(candidate);
  }

  /** Stage 1: what accuracy and what latency a candidate needs. */
  #filter(candidates: readonly Candidate[], group: number, nowMs: number): void {
    this.#expect(candidates, group, nowMs);
    this.#latencyMax = this.#options.adapt ? this.#limitOf(candidates) : Number.POSITIVE_INFINITY;
    let best = 0;
    for (const candidate of candidates) {
      if (this.#latencyOf(candidate) <= this.#latencyMax) best = Math.max(best, this.#accuracyOf(candidate, group));
    }
    this.#accuracyMin = best - this.#options.delta;
  }

  /** Expected latency of each, ms. Of what nothing is known the best is believed, so that it is tried. */
  #expect(candidates: readonly Candidate[], group: number, nowMs: number): void {
    let quickestMs = Number.POSITIVE_INFINITY;
    for (const candidate of candidates) {
      const inferenceMs = this.#inferenceMs(candidate, group, nowMs);
      this.#expectedMs[candidate.handle] = inferenceMs;
      if (inferenceMs < quickestMs) quickestMs = inferenceMs;
    }
    if (quickestMs === Number.POSITIVE_INFINITY) quickestMs = 1;
    for (const { handle, inFlight, rttMs } of candidates) {
      const known = this.#expectedMs[handle] as number;
      const inferenceMs = Number.isNaN(known) ? quickestMs : known;
      this.#expectedMs[handle] = inferenceMs * (inFlight + 1) + (this.#options.adapt ? rttMs : 0);
    }
  }

  /** τ as long as any keeps within it. */
  #limitOf(candidates: readonly Candidate[]): number {
    const { latencyMs } = this.#context.qos;
    for (const candidate of candidates) if (this.#latencyOf(candidate) <= latencyMs) return latencyMs;
    return Number.POSITIVE_INFINITY;
  }

  #isKept(candidate: Candidate, group: number): boolean {
    return this.#latencyOf(candidate) <= this.#latencyMax && this.#accuracyOf(candidate, group) >= this.#accuracyMin;
  }

  /** Least and greatest latency and energy of those that are kept. */
  #normalise(candidates: readonly Candidate[], group: number): void {
    empty(this.#latency);
    empty(this.#energy);
    for (const candidate of candidates) {
      if (!this.#isKept(candidate, group)) continue;
      extend(this.#latency, this.#latencyOf(candidate));
      extend(this.#energy, this.#energyOf(candidate, group));
    }
  }

  /** Stage 2. Where the energy is not known, the most is assumed. */
  #scoreOf(candidate: Candidate, group: number): number {
    const { gamma } = this.#options;
    const energy = this.#energyOf(candidate, group);
    const energyShare = Number.isNaN(energy) ? 1 : shareOf(this.#energy, energy);
    return gamma * shareOf(this.#latency, this.#latencyOf(candidate)) + (1 - gamma) * energyShare;
  }

  #inferenceMs(candidate: Candidate, group: number, nowMs: number): number {
    const profiledMs = ofGroup(this.#profiles.of(candidate).inferenceMs, group);
    return this.#options.adapt ? this.#inference.of(candidate, profiledMs, nowMs) : profiledMs;
  }

  #profiledMs(candidate: Candidate): number {
    return meanOf(this.#profiles.of(candidate).inferenceMs);
  }

  /** 0 where it is not known. */
  #accuracyOf(candidate: Candidate, group: number): number {
    const accuracy = ofGroup(this.#profiles.of(candidate).accuracy, group);
    return Number.isNaN(accuracy) ? 0 : accuracy;
  }

  /** mWh; NaN where it is not known. */
  #energyOf(candidate: Candidate, group: number): number {
    return ofGroup(this.#profiles.of(candidate).energyMwh, group);
  }

  #latencyOf({ handle }: Candidate): number {
    return this.#expectedMs[handle] as number;
  }
}

function empty(span: Span): void {
  span.min = Number.POSITIVE_INFINITY;
  span.max = Number.NEGATIVE_INFINITY;
}

/** NaN changes nothing. */
function extend(span: Span, value: number): void {
  if (value < span.min) span.min = value;
  if (value > span.max) span.max = value;
}

/** Where the value lies between least and greatest, in [0, 1]; 0 where they are equal. */
function shareOf({ min, max }: Span, value: number): number {
  return max > min ? (value - min) / (max - min) : 0;
}
