// QEdgeProxy, Algorithms 1–4 of Čilić et al., "QoS-Aware Load Balancing in the Computing Continuum via Multi-Player
// Bandits" (Section V): KDE success probabilities over a sliding window, an exploitation and an exploration pool, ε that
// decays while the promise is kept and is reset when it is not, SWRR, and a cooldown after misses in a row.
//
// Long because: Algorithms 1 to 4 of the paper share one state and are read against it in order.

import type { Candidate, Outcome, RequestInfo } from '../../domain.ts';
import { numberOf, recordOf } from '../../snapshot-shape.ts';
import { grownFloat64 } from '../../stats/grown.ts';
import { latencyDensity, silvermanBandwidthMs, successProbability } from '../../stats/kde.ts';
import { LatencyWindow } from '../../stats/latency-window.ts';
import { isPanic } from '../../stats/panic.ts';
import { Swrr } from '../../stats/swrr.ts';
import { restoreWindow, snapshotWindow } from '../../stats/window-snapshot.ts';
import { CandidateDiff } from '../candidate-diff.ts';
import { definePolicy } from '../definition.ts';
import type { OptionValues } from '../options.ts';
import type { CandidateView, Policy, PolicyContext, PolicySummary } from '../policy.ts';
import { Cooldown } from './cooldown.ts';
import { canMeetLimit, processingQuantileMs } from './joining.ts';
import { QosPool } from './qos-pool.ts';

/** The published values are lost; these were found by a sweep. */
const OPTIONS = {
  step: { kind: 'duration', defaultMs: 5000, minMs: 10, maxMs: 600_000, about: 'Δ, time between decision steps' },
  exploration: {
    kind: 'number',
    default: 0.3,
    min: 0,
    max: 1,
    about: 'ε₀, share of requests that explore, to begin with',
  },
  decay: { kind: 'number', default: 0.8, min: 0, max: 1, about: 'γ, what ε is multiplied by each step' },
  smoothing: { kind: 'number', default: 0.1, min: 0.0001, max: 10, about: 'η, added to every score' },
  misses: { kind: 'integer', default: 3, min: 1, max: 1000, about: 'θ, misses in a row that start a cooldown' },
  cooldown: {
    kind: 'duration',
    defaultMs: 10_000,
    minMs: 0,
    maxMs: 3_600_000,
    about: 'how long an instance is ejected',
  },
  quantile: {
    kind: 'number',
    default: 0.1,
    min: 0,
    max: 1,
    about: 'q, quantile of processing latencies that a new instance is judged by',
  },
} as const;

/** QEdgeProxy as published. */
export const QEDGEPROXY = definePolicy({
  about: 'the paper: QoS pools by KDE, ε-decay exploration, smooth weighted round robin, cooldown',
  options: OPTIONS,
  create: (values, context) => new QEdgeProxy(values, context),
});

class QEdgeProxy implements Policy {
  readonly name = 'qedgeproxy';
  readonly stepMs: number;
  readonly #options: OptionValues<typeof OPTIONS>;
  readonly #context: PolicyContext;
  readonly #pool: QosPool;
  readonly #swrr = new Swrr();
  readonly #cooldown: Cooldown;
  readonly #windows: LatencyWindow[] = [];
  readonly #candidateDiff = new CandidateDiff();
  /** Whether each was up at the last update, indexed by handle; undefined for a free handle. */
  readonly #wasUp: (boolean | undefined)[] = [];
  #up: readonly Candidate[] = [];
  #explorationShare: number;
  /** Nothing was observed yet: pools are made from estimates alone. */
  #cold = true;
  #panic = false;
  /** 1 for those that a panic spreads over, 0 for those known dead (their last attempt was refused). */
  #alive: Float64Array<ArrayBuffer> = new Float64Array(0);

  constructor(options: OptionValues<typeof OPTIONS>, context: PolicyContext) {
    this.#options = options;
    this.#context = context;
    this.stepMs = options.step;
    this.#explorationShare = options.exploration;
    this.#pool = new QosPool({ successRatio: context.qos.successRatio, smoothing: options.smoothing });
    this.#cooldown = new Cooldown(options.misses, options.cooldown);
  }

  /** Algorithm 2, line 2. Null when the pool is empty, or lost to this request. */
  select(_request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    if (this.#panic && this.#isPanic(nowMs)) return this.#swrr.pick(candidates, this.#alive);
    return this.#swrr.pick(candidates, this.#pool.weights);
  }

  preview(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    return this.#swrr.undone(() => this.select(request, candidates, nowMs));
  }

  /** Algorithm 2, lines 4–9: stores the latency; θ misses in a row and the instance is ejected. */
  observe(outcome: Outcome, nowMs: number): void {
    if (outcome.kind === 'start') return;
    const { latencyMs } = this.#context.qos;
    // A client that left in time says nothing of the instance.
    if (outcome.result === 'aborted' && outcome.latencyMs <= latencyMs) return;
    const { handle } = outcome.candidate;
    const answered = outcome.result === 'answered';
    this.#cold = false;
    this.#windows[handle]?.push(
      nowMs,
      answered || outcome.result === 'aborted' ? outcome.latencyMs : Number.POSITIVE_INFINITY,
    );
    this.#alive[handle] = outcome.result === 'refused' ? 0 : 1;
    if (outcome.success) this.#cooldown.success(handle);
    else if (this.#cooldown.miss(handle, nowMs)) this.#eject(outcome.candidate, nowMs);
  }

  update(candidates: readonly Candidate[], nowMs: number): void {
    const { left, joined } = this.#candidateDiff.sync(candidates);
    for (const handle of left) this.#forget(handle);
    for (const candidate of joined) this.#learnOf(candidate);
    const stayed = this.#refreshUp(candidates);
    if (this.#cold || !stayed || left.length + joined.length === 0) this.#rebuild(nowMs);
    else for (const candidate of joined) this.#admit(candidate);
    this.#refreshPanic(nowMs);
  }

  /** Algorithm 1. */
  tick(nowMs: number): void {
    for (const { handle } of this.#up) this.#estimate(handle, nowMs);
    this.#rebuild(nowMs);
    this.#adaptExploration();
    this.#refreshPanic(nowMs);
  }

  cooldownUntilMs(candidate: Candidate): number {
    return this.#cooldown.untilMs(candidate.handle);
  }

  successEstimate(candidate: Candidate): number {
    return this.#pool.success[candidate.handle] ?? Number.NaN;
  }

  density(candidate: Candidate, gridMs: readonly number[], _nowMs: number): number[] | null {
    const window = this.#windows[candidate.handle];
    if (window === undefined) return null;
    return latencyDensity(window, gridMs, { bandwidthMs: silvermanBandwidthMs(window), shiftMs: -candidate.rttMs });
  }

  view(candidate: Candidate, nowMs: number): CandidateView {
    const { handle } = candidate;
    const window = this.#windows[handle];
    const success = this.successEstimate(candidate);
    const weight = this.#weightOf(candidate, nowMs);
    const pool = weight === 0 ? 'out' : this.#pool.isTrusted(handle) ? 'exploitation' : 'exploration';
    return {
      pool,
      weight,
      successProbability: Number.isNaN(success) ? null : success,
      processingMs: window === undefined ? null : meanProcessingMs(window, candidate.rttMs),
      samples: window?.size ?? 0,
      cooldownMs: Math.max(0, this.#cooldown.untilMs(handle) - nowMs),
      note: this.#noteOn(candidate, nowMs),
      extra: { misses: this.#cooldown.misses(handle) },
    };
  }

  summary(nowMs: number): PolicySummary {
    return { explorationShare: this.#explorationShare, panic: this.#panic && this.#isPanic(nowMs) };
  }

  snapshot(nowMs: number): unknown {
    const instances: Record<string, unknown> = {};
    for (const { handle, key } of this.#candidateDiff) {
      const window = this.#windows[handle];
      if (window === undefined) continue;
      const cooldownMs = Math.max(0, this.#cooldown.untilMs(handle) - nowMs);
      instances[key] = {
        weight: this.#pool.weights[handle],
        credit: this.#swrr.credit(handle),
        ...(cooldownMs > 0 ? { cooldownMs: Math.round(cooldownMs) } : {}),
        ...(this.#cooldown.misses(handle) > 0 ? { misses: this.#cooldown.misses(handle) } : {}),
        samples: snapshotWindow(window, nowMs),
      };
    }
    return { version: 1, explorationShare: this.#explorationShare, instances };
  }

  restore(snapshot: unknown, ageMs: number, nowMs: number): void {
    const { version, explorationShare, instances } = recordOf(snapshot);
    if (version !== 1) return;
    this.#explorationShare = numberOf(explorationShare, { min: 0, max: 1, otherwise: this.#explorationShare });
    const byKey = recordOf(instances);
    for (const candidate of this.#candidateDiff) {
      if (Object.hasOwn(byKey, candidate.key)) {
        this.#restoreInstance(candidate.handle, recordOf(byKey[candidate.key]), { ageMs, nowMs });
      }
    }
    for (const { handle } of this.#up) this.#estimate(handle, nowMs);
    this.#rebuild(nowMs);
    const weightOf = ({ key, handle }: Candidate): number =>
      numberOf(recordOf(byKey[key]).weight, { min: 0, max: 1, otherwise: this.#pool.weights[handle] ?? 0 });
    this.#pool.restoreWeights(weightOf);
    this.#refreshPanic(nowMs);
  }

  reset(nowMs: number): void {
    for (const candidate of this.#candidateDiff) this.#learnOf(candidate);
    this.#cold = true;
    this.#explorationShare = this.#options.exploration;
    this.#rebuild(nowMs);
    this.#refreshPanic(nowMs);
  }

  // ---- Algorithm 1 ----

  #estimate(handle: number, nowMs: number): void {
    const window = this.#windows[handle];
    if (window === undefined) return;
    window.expire(nowMs);
    this.#pool.success[handle] = successProbability(window, this.#context.qos.latencyMs, silvermanBandwidthMs(window));
  }

  /** Lines 4–21: F, E, X and the weights, by the estimates of the last step. */
  #rebuild(nowMs: number): void {
    const feasible = this.#up.filter(
      (candidate) =>
        candidate.rttMs <= this.#context.qos.latencyMs && !this.#cooldown.isEjected(candidate.handle, nowMs),
    );
    this.#pool.rebuild(feasible, this.#explorationShare);
  }

  /** Lines 22–26. Deviation: a window without requests says nothing, and leaves ε as it is. */
  #adaptExploration(): void {
    const ratio = this.#ownSuccessRatio();
    if (Number.isNaN(ratio)) return;
    if (ratio >= this.#context.qos.successRatio) {
      this.#explorationShare *= this.#options.decay;
      return;
    }
    if (this.#explorationShare < this.#options.exploration) {
      this.#context.onEvent({ kind: 'exploration-reset', successRatio: ratio });
    }
    this.#explorationShare = this.#options.exploration;
  }

  /** q: the share of this load balancer's own requests within W that succeeded; NaN without any. */
  #ownSuccessRatio(): number {
    const { latencyMs } = this.#context.qos;
    let total = 0;
    let good = 0;
    for (const { handle } of this.#up) {
      const window = this.#windows[handle];
      if (window === undefined) continue;
      total += window.size;
      for (let i = 0; i < window.size; i++) if (window.latencyMs(i) <= latencyMs) good++;
    }
    return good / total;
  }

  // ---- Algorithms 2 to 4 ----

  #eject(candidate: Candidate, nowMs: number): void {
    this.#pool.leave(candidate.handle);
    this.#context.onEvent({
      kind: 'ejected',
      key: candidate.key,
      untilMs: this.#cooldown.untilMs(candidate.handle),
      reason: `${this.#cooldown.missesMax} misses in a row`,
    });
    this.#refreshPanic(nowMs);
  }

  /** Algorithm 3. */
  #admit(candidate: Candidate): void {
    if (!candidate.isActive) return;
    const processingMs = processingQuantileMs(this.#observed(), this.#options.quantile);
    if (canMeetLimit(candidate, processingMs, this.#context.qos.latencyMs)) {
      this.#pool.join(candidate, this.#explorationShare);
    }
  }

  /** Notes which are up; true when none that was known before began or ceased to be. */
  #refreshUp(candidates: readonly Candidate[]): boolean {
    let stayed = true;
    for (const { handle, isActive } of candidates) {
      const before = this.#wasUp[handle];
      if (before !== undefined && before !== isActive) stayed = false;
      this.#wasUp[handle] = isActive;
    }
    this.#up = candidates.filter(({ isActive }) => isActive);
    return stayed;
  }

  /** Algorithm 4: purges what was learned of an instance that left. */
  #forget(handle: number): void {
    this.#pool.leave(handle);
    this.#clear(handle);
    this.#wasUp[handle] = undefined;
  }

  #learnOf(candidate: Candidate): void {
    const { handle } = candidate;
    this.#pool.ensureHandles(handle + 1);
    this.#swrr.ensureHandles(handle + 1);
    this.#cooldown.ensureHandles(handle + 1);
    this.#alive = grownFloat64(this.#alive, handle + 1, 1);
    this.#clear(handle);
  }

  #clear(handle: number): void {
    this.#windows[handle] = new LatencyWindow(this.#context.qos.windowMs);
    this.#pool.success[handle] = Number.NaN;
    this.#swrr.setCredit(handle, 0);
    this.#cooldown.forget(handle);
    this.#alive[handle] = 1;
  }

  *#observed(): Iterable<{ readonly candidate: Candidate; readonly window: LatencyWindow }> {
    for (const candidate of this.#up) {
      const window = this.#windows[candidate.handle];
      if (window !== undefined) yield { candidate, window };
    }
  }

  // ---- panic ----

  #isPanic(nowMs: number): boolean {
    return isPanic(this.#up, this.#cooldown, nowMs);
  }

  #refreshPanic(nowMs: number): void {
    const panic = this.#isPanic(nowMs);
    if (panic !== this.#panic) this.#context.onEvent({ kind: 'panic', on: panic });
    this.#panic = panic;
  }

  #weightOf(candidate: Candidate, nowMs: number): number {
    if (!this.#panic || !this.#isPanic(nowMs)) return this.#pool.weights[candidate.handle] ?? 0;
    if (!candidate.isActive) return 0;
    const alive = this.#up.reduce((count, { handle }) => count + (this.#alive[handle] ?? 0), 0);
    return alive === 0 ? 0 : (this.#alive[candidate.handle] ?? 0) / alive;
  }

  // ---- cold path ----

  #noteOn(candidate: Candidate, nowMs: number): string {
    const { latencyMs, successRatio } = this.#context.qos;
    if (!candidate.isActive) return candidate.availability;
    if (this.#cooldown.isEjected(candidate.handle, nowMs))
      return `ejected after ${this.#cooldown.missesMax} misses in a row`;
    if (candidate.rttMs > latencyMs) return 'the round trip alone exceeds the limit';
    if (!this.#pool.has(candidate.handle)) return 'waits for the next decision step';
    const success = this.successEstimate(candidate);
    if (Number.isNaN(success)) return 'no samples yet: explored';
    return success >= successRatio ? 'meets the target' : 'below the target: explored';
  }

  #restoreInstance(
    handle: number,
    saved: Readonly<Record<string, unknown>>,
    time: { ageMs: number; nowMs: number },
  ): void {
    const window = this.#windows[handle];
    if (window === undefined) return;
    restoreWindow(window, saved.samples, time);
    if (window.size > 0) this.#cold = false;
    const leftMs = numberOf(saved.cooldownMs, { min: 0, max: this.#options.cooldown, otherwise: 0 }) - time.ageMs;
    this.#cooldown.restore(handle, {
      misses: numberOf(saved.misses, { min: 0, max: this.#options.misses, otherwise: 0 }),
      untilMs: leftMs > 0 ? time.nowMs + leftMs : Number.NEGATIVE_INFINITY,
    });
    this.#swrr.setCredit(handle, numberOf(saved.credit, { min: -1e6, max: 1e6, otherwise: 0 }));
  }
}

/** Mean of ℓ − ℓⁿ over the samples that are no failures; null without any. */
function meanProcessingMs(window: LatencyWindow, rttMs: number): number | null {
  let n = 0;
  let sum = 0;
  for (let i = 0; i < window.size; i++) {
    const latencyMs = window.latencyMs(i);
    if (latencyMs === Number.POSITIVE_INFINITY) continue;
    n++;
    sum += Math.max(0, latencyMs - rttMs);
  }
  return n === 0 ? null : sum / n;
}
