// Power of two choices on peak-EWMA load, as in Finagle (`PeakEwma`) and Linkerd: of two random instances the one with
// the lower latency × (in flight + 1). The average jumps to a peak at once and forgets it over the decay time.

import type { Candidate, Outcome, RequestInfo } from '../domain.ts';
import type { Rng } from '../rng.ts';
import { numberOf, tenths } from '../snapshot-shape.ts';
import { grownFloat64 } from '../stats/grown.ts';
import { BasePolicy } from './base-policy.ts';
import { definePolicy } from './definition.ts';
import type { CandidateView, PolicyContext } from './policy.ts';

/** An instance without latency history is probed at most once: with one in flight it looks this slow, ms (Finagle's penalty). */
const PENALTY_MS = 1e9;
/** A failure counts as this many τ. */
const FAILURE_LATENCIES = 3;

export const P2C_EWMA = definePolicy({
  about: 'of two random instances the one with the lower peak-EWMA latency × in flight',
  picks: 'draws two instances, and takes the one with the lower load',
  options: {
    decay: {
      kind: 'duration',
      defaultMs: 10_000,
      minMs: 10,
      maxMs: 3_600_000,
      about: 'time in which a latency is forgotten to 1/e',
    },
  },
  create: ({ decay }, context) => new P2cEwma(decay, context),
});

class P2cEwma extends BasePolicy {
  readonly name = 'p2c-ewma';
  readonly #decayMs: number;
  readonly #rng: Rng;
  readonly #limitMs: number;
  /** Peak EWMA as of `#stampMs`; 0 without history. */
  #ewmaMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  #stampMs: Float64Array<ArrayBuffer> = new Float64Array(0);

  constructor(decayMs: number, { rng, qos }: PolicyContext) {
    super();
    this.#decayMs = decayMs;
    this.#rng = rng;
    this.#limitMs = qos.latencyMs;
  }

  select(_request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    const n = candidates.length;
    const i = Math.floor(this.#rng.next() * n);
    const one = candidates[i] as Candidate;
    if (n === 1) return one;
    const j = (i + 1 + Math.floor(this.#rng.next() * (n - 1))) % n;
    const other = candidates[j] as Candidate;
    return this.#loadOf(other, nowMs) < this.#loadOf(one, nowMs) ? other : one;
  }

  /**
   * Deviation: a failure counts as 3 τ. Finagle leaves failing nodes to its failure accrual; without one, failing fast would attract
   * requests.
   */
  override observe(outcome: Outcome, nowMs: number): void {
    if (outcome.kind === 'start') return;
    // A client that left in time says nothing of the instance; one that gave up was not answered.
    if (outcome.result === 'aborted' && outcome.latencyMs <= this.#limitMs) return;
    const { handle } = outcome.candidate;
    const failureMs = FAILURE_LATENCIES * this.#limitMs;
    const latencyMs = outcome.result === 'answered' ? outcome.latencyMs : Math.max(failureMs, outcome.latencyMs);
    const before = this.#ewmaMs[handle] as number;
    const kept = Math.exp(-(nowMs - (this.#stampMs[handle] as number)) / this.#decayMs);
    this.#ewmaMs[handle] = latencyMs > before ? latencyMs : before * kept + latencyMs * (1 - kept);
    this.#stampMs[handle] = nowMs;
  }

  override view(candidate: Candidate, nowMs: number): CandidateView {
    return {
      ...super.view(candidate, nowMs),
      extra: { peakEwmaMs: this.#costOf(candidate.handle, nowMs), loadMs: this.#loadOf(candidate, nowMs) },
    };
  }

  override snapshot(nowMs: number): unknown {
    const instances: Record<string, number> = {};
    for (const candidate of this.candidateDiff) {
      instances[candidate.key] = tenths(this.#costOf(candidate.handle, nowMs));
    }
    return { version: 1, instances };
  }

  override restore(snapshot: unknown, ageMs: number, nowMs: number): void {
    for (const [{ handle }, saved] of this.savedIn(snapshot)) {
      this.#ewmaMs[handle] = numberOf(saved, { min: 0, max: 1e9, otherwise: 0 });
      this.#stampMs[handle] = nowMs - ageMs;
    }
  }

  protected override learnOf({ handle }: Candidate): void {
    this.#ewmaMs = grownFloat64(this.#ewmaMs, handle + 1);
    this.#stampMs = grownFloat64(this.#stampMs, handle + 1);
    this.#ewmaMs[handle] = 0;
    this.#stampMs[handle] = 0;
  }

  /** Returns its share of the requests: with r instances lighter it wins 2·(n − 1 − r) of the n·(n − 1) draws. */
  protected override shareOf(candidate: Candidate, nowMs: number): number {
    const n = this.active.length;
    if (n === 1) return 1;
    const load = this.#loadOf(candidate, nowMs);
    const lighter = this.active.filter((other) => this.#loadOf(other, nowMs) < load).length;
    const equal = this.active.filter((other) => this.#loadOf(other, nowMs) === load).length;
    return (2 * (n - 1 - lighter) - (equal - 1)) / (n * (n - 1));
  }

  #costOf(handle: number, nowMs: number): number {
    return (this.#ewmaMs[handle] as number) * Math.exp(-(nowMs - (this.#stampMs[handle] as number)) / this.#decayMs);
  }

  #loadOf({ handle, inFlight, oldestStartMs }: Candidate, nowMs: number): number {
    const cost = this.#costOf(handle, nowMs);
    // A probe of its own is under way: what other event loops have there will say nothing to this one.
    const probes = cost === 0 && oldestStartMs !== Number.POSITIVE_INFINITY;
    return probes ? PENALTY_MS + inFlight : cost * (inFlight + 1);
  }
}
