// QEdgeProxy as first published (Čilić et al., IEEE EDGE 2024; AIoTwin D1.3; the 2025 blog post): the pool is the instances whose
// smoothed latency is below τ, each in turn; a failure ejects an instance for half a minute and longer each time; estimates start
// again from the round trip when the pool runs dry.

import type { Candidate, Outcome, RequestInfo } from '../domain.ts';
import { numberOf, recordOf, tenths } from '../snapshot-shape.ts';
import { grownFloat64 } from '../stats/grown.ts';
import { BasePolicy } from './base-policy.ts';
import { definePolicy } from './definition.ts';
import type { CandidateView, PolicyContext, PolicySummary } from './policy.ts';

/** Share of a new measurement in the smoothed latency, and while that is still an estimate. */
const NEW_SHARE = 0.2;
const NEW_SHARE_OF_ESTIMATE = 0.7;
/** The pool is re-estimated when it holds less than this share of the instances. */
const POOL_SHARE_MIN = 0.3;
/** How often the pool's size is looked at. */
const CHECK_MS = 1000;

export const QEDGEPROXY_2024 = definePolicy({
  about: 'the first QEdgeProxy: each in turn of those whose mean latency is below the limit',
  options: {
    failure_time: {
      kind: 'duration',
      defaultMs: 30_000,
      minMs: 0,
      maxMs: 3_600_000,
      about: 'cooldown per failure in a row',
    },
    reestimation: {
      kind: 'duration',
      defaultMs: 60_000,
      minMs: 0,
      maxMs: 3_600_000,
      about: 'least time between re-estimations',
    },
  },
  create: ({ failure_time, reestimation }, context) => new QEdgeProxy2024(failure_time, reestimation, context),
});

class QEdgeProxy2024 extends BasePolicy {
  readonly name = 'qedgeproxy-2024';
  override readonly stepMs = CHECK_MS;
  readonly #failureTimeMs: number;
  readonly #reestimationMs: number;
  readonly #context: PolicyContext;
  /** Smoothed latency; NaN until first needed, then the round trip. */
  #latencyMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** 1 where it is a measurement, 0 where it is an estimate. */
  #measured: Float64Array<ArrayBuffer> = new Float64Array(0);
  #failures: Float64Array<ArrayBuffer> = new Float64Array(0);
  #outUntilMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  #lastReestimationMs = Number.NEGATIVE_INFINITY;
  #turn = 0;

  constructor(failureTimeMs: number, reestimationMs: number, context: PolicyContext) {
    super();
    this.#failureTimeMs = failureTimeMs;
    this.#reestimationMs = reestimationMs;
    this.#context = context;
  }

  /** Deviation: "overloaded hosts last" is left out: what nodes announce of their CPU and memory reaches no policy. */
  select(_request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    let members = 0;
    for (const candidate of candidates) if (this.inPool(candidate, nowMs)) members++;
    if (members === 0) return this.#fallBack(candidates);
    this.#turn = (this.#turn + 1) % members;
    let before = this.#turn;
    for (const candidate of candidates) {
      if (this.inPool(candidate, nowMs) && before-- === 0) return candidate;
    }
    return null;
  }

  override observe(outcome: Outcome, nowMs: number): void {
    if (outcome.kind === 'start') return;
    const { result, latencyMs } = outcome;
    // A client that left in time says nothing of the instance; one that gave up after the limit waited at least so long.
    if (result === 'aborted' && latencyMs <= this.#context.qos.latencyMs) return;
    const { handle, key } = outcome.candidate;
    if (result === 'answered') this.#failures[handle] = 0;
    if (result === 'answered' || result === 'aborted') {
      const share = this.#measured[handle] === 1 ? NEW_SHARE : NEW_SHARE_OF_ESTIMATE;
      this.#latencyMs[handle] = (1 - share) * this.#estimateOf(outcome.candidate) + share * latencyMs;
      this.#measured[handle] = 1;
      return;
    }
    const failures = (this.#failures[handle] as number) + 1;
    const untilMs = nowMs + this.#failureTimeMs * failures;
    this.#failures[handle] = failures;
    this.#outUntilMs[handle] = untilMs;
    this.#context.onEvent({ kind: 'ejected', key, untilMs, reason: `failure ${failures} in a row` });
  }

  /** Estimates start again when too few are left in the pool. */
  override tick(nowMs: number): void {
    if (nowMs - this.#lastReestimationMs < this.#reestimationMs) return;
    const members = this.active.filter((candidate) => this.inPool(candidate, nowMs)).length;
    if (this.active.length === 0 || members >= POOL_SHARE_MIN * this.active.length) return;
    this.#lastReestimationMs = nowMs;
    for (const candidate of this.active) if (!this.inPool(candidate, nowMs)) this.#forgetLatency(candidate.handle);
  }

  override summary(nowMs: number): PolicySummary {
    const panic = this.active.length > 0 && !this.active.some((candidate) => this.inPool(candidate, nowMs));
    return { explorationShare: null, panic };
  }

  override cooldownUntilMs({ handle }: Candidate): number {
    return this.#outUntilMs[handle] as number;
  }

  override view(candidate: Candidate, nowMs: number): CandidateView {
    const base = super.view(candidate, nowMs);
    const out = !candidate.isActive
      ? candidate.availability
      : base.cooldownMs > 0
        ? 'ejected after failures'
        : 'mean latency above the limit';
    return {
      ...base,
      processingMs: Math.max(0, this.#estimateOf(candidate) - candidate.rttMs),
      note: base.pool === 'out' ? out : '',
      extra: { latencyMs: this.#estimateOf(candidate), failures: this.#failures[candidate.handle] as number },
    };
  }

  override snapshot(nowMs: number): unknown {
    const instances: Record<string, unknown> = {};
    for (const candidate of this.candidateDiff) {
      const { handle, key } = candidate;
      const outMs = Math.max(0, (this.#outUntilMs[handle] as number) - nowMs);
      const latency = this.#measured[handle] === 1 ? { latencyMs: tenths(this.#latencyMs[handle] as number) } : {};
      instances[key] = { ...latency, failures: this.#failures[handle], outMs: Math.round(outMs) };
    }
    return { version: 1, instances };
  }

  override restore(snapshot: unknown, ageMs: number, nowMs: number): void {
    for (const [{ handle }, value] of this.savedIn(snapshot)) {
      const saved = recordOf(value);
      this.#latencyMs[handle] = numberOf(saved.latencyMs, { min: 0, max: 1e9, otherwise: Number.NaN });
      this.#measured[handle] = Number.isNaN(this.#latencyMs[handle]) ? 0 : 1;
      this.#failures[handle] = numberOf(saved.failures, { min: 0, max: 1e6, otherwise: 0 });
      const outMs = numberOf(saved.outMs, { min: 0, max: 1e12, otherwise: 0 }) - ageMs;
      this.#outUntilMs[handle] = outMs > 0 ? nowMs + outMs : Number.NEGATIVE_INFINITY;
    }
  }

  protected override learnOf({ handle }: Candidate): void {
    this.#latencyMs = grownFloat64(this.#latencyMs, handle + 1, Number.NaN);
    this.#measured = grownFloat64(this.#measured, handle + 1);
    this.#failures = grownFloat64(this.#failures, handle + 1);
    this.#outUntilMs = grownFloat64(this.#outUntilMs, handle + 1, Number.NEGATIVE_INFINITY);
    this.#forgetLatency(handle);
    this.#failures[handle] = 0;
    this.#outUntilMs[handle] = Number.NEGATIVE_INFINITY;
  }

  protected override inPool(candidate: Candidate, nowMs: number): boolean {
    return (
      candidate.isActive &&
      nowMs >= (this.#outUntilMs[candidate.handle] as number) &&
      this.#estimateOf(candidate) < this.#context.qos.latencyMs
    );
  }

  protected override shareOf(_candidate: Candidate, nowMs: number): number {
    return 1 / this.active.filter((other) => this.inPool(other, nowMs)).length;
  }

  #estimateOf({ handle, rttMs }: Candidate): number {
    const latencyMs = this.#latencyMs[handle] as number;
    return Number.isNaN(latencyMs) ? rttMs : latencyMs;
  }

  #forgetLatency(handle: number): void {
    this.#latencyMs[handle] = Number.NaN;
    this.#measured[handle] = 0;
  }

  /** The pool is empty: the own node's instance, else any. */
  #fallBack(candidates: readonly Candidate[]): Candidate | null {
    for (const candidate of candidates) if (candidate.local) return candidate;
    return candidates[Math.floor(this.#context.rng.next() * candidates.length)] ?? null;
  }
}
