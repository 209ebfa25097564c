// How long a request takes on an idle instance: as profiled, times what the instance's own answers say. An instance that throttles,
// or that others use too, is slower than its profile; one that nothing is known of is as quick as what was measured.

import type { Candidate, Outcome } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';

/** Weight of one answer in the average. */
const GAIN = 0.2;
/** A failure counts as this many τ. */
const FAILURE_LATENCIES = 3;
/** An estimate without answers fades to 1/e in so many W, towards the profile: what was slow once is tried again. */
const FORGET_WINDOWS = 3;

export interface InferenceTimeOptions {
  /** τ, ms. */
  readonly limitMs: number;
  /** W, ms. */
  readonly windowMs: number;
}

export class InferenceTime {
  readonly #limitMs: number;
  readonly #forgetMs: number;
  /** Measured ÷ profiled, or ms where nothing is profiled; NaN before the first answer. */
  #ratio: Float64Array<ArrayBuffer> = new Float64Array(0);
  #stampMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  #samples: Float64Array<ArrayBuffer> = new Float64Array(0);

  constructor({ limitMs, windowMs }: InferenceTimeOptions) {
    this.#limitMs = limitMs;
    this.#forgetMs = FORGET_WINDOWS * windowMs;
  }

  /** Begins again for a candidate that joined. */
  join({ handle }: Candidate): void {
    this.#ratio = grownFloat64(this.#ratio, handle + 1);
    this.#stampMs = grownFloat64(this.#stampMs, handle + 1);
    this.#samples = grownFloat64(this.#samples, handle + 1);
    this.#ratio[handle] = Number.NaN;
    this.#stampMs[handle] = 0;
    this.#samples[handle] = 0;
  }

  /** An attempt ended at an instance whose profile says `profiledMs` (NaN: nothing). */
  observe(outcome: Extract<Outcome, { kind: 'end' }>, profiledMs: number, nowMs: number): void {
    const { candidate, result, latencyMs, ahead } = outcome;
    // A client that left in time says nothing of the instance.
    if (result === 'aborted' && latencyMs <= this.#limitMs) return;
    const { handle } = candidate;
    const tookMs = result === 'answered' ? latencyMs : Math.max(latencyMs, FAILURE_LATENCIES * this.#limitMs);
    const aloneMs = Math.max(0, tookMs - candidate.rttMs) / (ahead + 1);
    const ratio = profiledMs > 0 ? aloneMs / profiledMs : aloneMs;
    const before = this.#ratioOf(handle, profiledMs, nowMs);
    this.#ratio[handle] = Number.isNaN(before) ? ratio : before + GAIN * (ratio - before);
    this.#stampMs[handle] = nowMs;
    this.#samples[handle] = (this.#samples[handle] as number) + 1;
  }

  /** Returns what an idle instance with this profile, NaN for none, takes, ms; NaN when nothing is known. */
  of({ handle }: Candidate, profiledMs: number, nowMs: number): number {
    const ratio = this.#ratioOf(handle, profiledMs, nowMs);
    if (Number.isNaN(ratio)) return profiledMs;
    return profiledMs > 0 ? ratio * profiledMs : ratio;
  }

  /** What was measured, to be kept; null before the first answer. */
  ratioOf({ handle }: Candidate, profiledMs: number, nowMs: number): number | null {
    const ratio = this.#ratioOf(handle, profiledMs, nowMs);
    return Number.isNaN(ratio) ? null : ratio;
  }

  /** Takes back what was measured up to `stampMs`. */
  restore({ handle }: Candidate, ratio: number, stampMs: number): void {
    this.#ratio[handle] = ratio;
    this.#stampMs[handle] = stampMs;
  }

  /** Answers and failures behind it. */
  samplesOf({ handle }: Candidate): number {
    return this.#samples[handle] as number;
  }

  #ratioOf(handle: number, profiledMs: number, nowMs: number): number {
    const ratio = this.#ratio[handle] as number;
    if (!(profiledMs > 0)) return ratio;
    const kept = Math.exp(-(nowMs - (this.#stampMs[handle] as number)) / this.#forgetMs);
    return Number.isNaN(ratio) ? Number.NaN : 1 + (ratio - 1) * kept;
  }
}
