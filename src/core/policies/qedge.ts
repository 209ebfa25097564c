// `qedge`, the default. The frame is the paper's (local observations only, a QoS pool, KDE over a sliding window, SWRR, no
// coordination); what differs is how weights move. Recomputing them from scratch every few seconds from an estimate that
// is as old makes many load balancers herd and oscillate. Here damped multiplicative weights (the slow loop) turn the
// same observations into a congestion game that settles, and a per-request deferral (the fast loop) keeps requests away
// from an instance that is late right now. The parts are in qedge/, one idea a file.

import { assert } from '../assert.ts';
import type { Candidate, Outcome, RequestInfo } from '../domain.ts';
import { grownFloat64 } from '../qos/grown.ts';
import { latencyDensity } from '../qos/kde.ts';
import { LatencyWindow } from '../qos/latency-window.ts';
import { isPanic } from '../qos/panic.ts';
import { Swrr } from '../qos/swrr.ts';
import { definePolicy } from './definition.ts';
import type { CandidateView, Policy, PolicyContext, PolicySummary } from './policy.ts';
import { CandidateSubset } from './qedge/candidate-subset.ts';
import { Estimates } from './qedge/estimates.ts';
import { ERROR_WEIGHT, MissStreak } from './qedge/miss-streak.ts';
import { normalise, stepWeights } from './qedge/multiplicative-weights.ts';
import { QEDGE_OPTIONS, type QedgeOptions, scaleTo } from './qedge/options.ts';
import { isFeasible, startWeight } from './qedge/reach.ts';
import { restoreQedge, snapshotQedge } from './qedge/snapshot.ts';
import { UnloadedLatency } from './qedge/unloaded-latency.ts';
import { type QedgeFacts, viewOf } from './qedge/view.ts';

export const QEDGE = definePolicy({
  about: 'the default: damped weights by success and congestion, deferral of what is late right now',
  options: QEDGE_OPTIONS,
  create: (values, context) => new Qedge(values, context),
});

/** A miss is a processing latency of this share of what τ leaves after the round trip, or more. */
const MISS_SHARE = 0.9;
/** A failure counts as this many τ, or as long as it took. */
const FAILURE_LATENCIES = 3;
/** A new instance joins with this share of a fair share of the requests. */
const JOIN_SHARE = 0.5;
/** Weights within this factor of the floor are at the floor: normalising moves them a little. */
const FLOOR_SLACK = 1.5;
/** A client with fewer requests than this over W has no standing yet. */
const STANDING_REQUESTS_MIN = 10;

/** State by handle and the parts, shared with the view and the snapshot of the policy. */
export class Qedge implements Policy {
  readonly name = 'qedge';
  readonly stepMs: number;
  readonly options: QedgeOptions;
  readonly context: PolicyContext;
  readonly estimates: Estimates;
  readonly streaks: MissStreak;
  readonly unloaded: UnloadedLatency;
  readonly swrr = new Swrr();
  readonly windows: LatencyWindow[] = [];
  /** Who holds which handle, as of the last update. */
  readonly known: (Candidate | undefined)[] = [];
  /** w: sums to 1 over the members, 0 for everybody else. */
  weights: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** The candidates in play. */
  members: readonly Candidate[] = [];
  /** Nothing was sent yet: weights are made from estimates alone. */
  cold = true;
  readonly #subset: CandidateSubset;
  #up: readonly Candidate[] = [];
  #feasible: readonly Candidate[] = [];
  /** 1 where the last try was refused: nobody is there. */
  #refused: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** The weights with those known dead left out. */
  #panicWeights: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** 1 for those that were in play before. */
  #seen: Float64Array<ArrayBuffer> = new Float64Array(0);
  #panic = false;

  constructor(options: QedgeOptions, context: PolicyContext) {
    const { latencyMs } = context.qos;
    const scale = scaleTo(latencyMs);
    this.options = options;
    this.context = context;
    this.stepMs = options.step;
    this.estimates = new Estimates(options, latencyMs, context.flights);
    this.streaks = new MissStreak(scale.lateMs, scale.lateMsMax);
    this.unloaded = new UnloadedLatency(scale.unloadedMs);
    const { candidates_max: candidatesMax, nearest, rotation: rotationMs } = options;
    this.#subset = new CandidateSubset({ candidatesMax, nearest, rotationMs }, context.rng);
  }

  // ---- fast loop: every request ----

  select(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    if (request.tried.length > 0) return this.#selectRetry(request, candidates, nowMs);
    if (this.options.make_up && this.#isWorseServed(request.clientId, nowMs)) {
      const best = this.#quickest(this.members, Number.POSITIVE_INFINITY, nowMs);
      if (best !== null) return best;
    }
    if (this.#panic) return this.#selectInPanic(nowMs);
    const picked = this.swrr.pick(this.members, this.weights);
    if (picked === null || !this.options.deferral || !this.#isLate(picked, nowMs)) return picked;
    const other = this.swrr.pick(this.members, this.weights);
    return other === null || this.#isLate(other, nowMs) ? picked : other;
  }

  preview(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    return this.swrr.undone(() => this.select(request, candidates, nowMs));
  }

  observe(outcome: Outcome, nowMs: number): void {
    this.cold = false;
    if (outcome.kind === 'start') return;
    const { latencyMs } = this.context.qos;
    const { result, candidate } = outcome;
    // A client that left in time says nothing of the instance.
    if (result === 'aborted' && outcome.latencyMs <= latencyMs) return;
    const { handle, rttMs } = candidate;
    const processingMs = outcome.latencyMs - rttMs;
    const failed = result !== 'answered' && result !== 'aborted';
    if (result === 'answered') this.unloaded.observe(processingMs);
    this.windows[handle]?.push(nowMs, failed ? Math.max(FAILURE_LATENCIES * latencyMs, processingMs) : processingMs);
    this.#refused[handle] = result === 'refused' ? 1 : 0;
    if (!failed && processingMs < MISS_SHARE * (latencyMs - rttMs)) this.streaks.success(handle);
    else this.#miss(outcome, nowMs);
  }

  // ---- the set of candidates ----

  update(candidates: readonly Candidate[], nowMs: number): void {
    this.#forgetLeavers(candidates);
    for (const candidate of candidates) if (this.known[candidate.handle] !== candidate) this.#learnOf(candidate);
    this.#up = candidates.filter(({ availability }) => availability === 'up');
    this.#refreshFeasible();
    this.#setMembers(this.#subset.choose(this.#feasible, this.members));
    this.#refreshPanic(nowMs);
  }

  // ---- slow loop: every step ----

  tick(nowMs: number): void {
    this.unloaded.refresh();
    if (this.#refreshFeasible()) this.#setMembers(this.#subset.choose(this.#feasible, this.members));
    this.#rotate(nowMs);
    const { unloaded, estimates, options } = this;
    let evidence = false;
    for (const candidate of this.members) {
      const window = this.windows[candidate.handle];
      if (window === undefined) continue;
      estimates.refresh(candidate, window, { unloadedMs: unloaded.ms, nowMs });
      evidence ||= window.size > 0 || candidate.inFlight > 0;
    }
    // Deviation: a load balancer without requests learns nothing, so its weights stay instead of drifting to the priors.
    if (evidence) {
      stepWeights(
        this.members,
        { weights: this.weights, costs: estimates.costs },
        {
          stepSeconds: this.stepMs / 1000,
          learningRate: options.learning_rate,
          fallMax: options.fall_max,
          riseMax: options.rise_max,
          floor: options.floor,
        },
      );
    }
    this.#refreshPanic(nowMs);
  }

  // ---- for the fallback and for people ----

  cooldownUntilMs(candidate: Candidate): number {
    return this.streaks.untilMs(candidate.handle);
  }

  successEstimate(candidate: Candidate): number {
    return this.estimates.success[candidate.handle] ?? Number.NaN;
  }

  density(candidate: Candidate, gridMs: readonly number[], nowMs: number): number[] | null {
    const window = this.windows[candidate.handle];
    if (window === undefined) return null;
    return latencyDensity(window, gridMs, { bandwidthMs: this.estimates.bandwidthMs(window, nowMs), shiftMs: 0 });
  }

  view(candidate: Candidate, nowMs: number): CandidateView {
    return viewOf(this.#factsOf(candidate, nowMs), this.context.qos.successRatio);
  }

  summary(nowMs: number): PolicySummary {
    let explorationShare = 0;
    for (const candidate of this.members) {
      if (this.view(candidate, nowMs).pool === 'exploration')
        explorationShare += this.weights[candidate.handle] as number;
    }
    return { explorationShare, panic: this.#panic };
  }

  snapshot(nowMs: number): unknown {
    return snapshotQedge(this, nowMs);
  }

  restore(snapshot: unknown, ageMs: number, nowMs: number): void {
    const members = restoreQedge(this, snapshot, { ageMs, nowMs });
    this.#refreshFeasible();
    const eligible = new Set(this.#feasible);
    this.members = this.#subset.choose(
      this.#feasible,
      members.filter((candidate) => eligible.has(candidate)),
    );
    const inPlay = new Set(this.members);
    for (const candidate of this.known) {
      if (candidate === undefined) continue;
      if (inPlay.has(candidate)) this.#seen[candidate.handle] = 1;
      else this.weights[candidate.handle] = 0;
    }
    normalise(this.members, this.weights);
    this.#refreshPanic(nowMs);
  }

  reset(nowMs: number): void {
    for (const candidate of this.known) if (candidate !== undefined) this.#learnOf(candidate);
    this.cold = true;
    this.unloaded.reset();
    this.members = [];
    this.#refreshFeasible();
    this.#setMembers(this.#subset.choose(this.#feasible, []));
    this.#refreshPanic(nowMs);
  }

  // ---- fast loop ----

  /** late(m): its oldest request is overdue, or it missed just now. */
  #isLate(candidate: Candidate, nowMs: number): boolean {
    return nowMs - candidate.oldestStartMs > this.context.qos.latencyMs || this.streaks.isLate(candidate.handle, nowMs);
  }

  /** In a panic requests are spread by weight over everybody in play who is not known dead: refused, and not long ago. */
  #selectInPanic(nowMs: number): Candidate | null {
    for (const { handle } of this.members) {
      const dead = this.#refused[handle] === 1 && this.streaks.isLate(handle, nowMs);
      this.#panicWeights[handle] = dead ? 0 : (this.weights[handle] as number);
    }
    return this.swrr.pick(this.members, this.#panicWeights) ?? this.swrr.pick(this.members, this.weights);
  }

  /** A retry has no time to lose: the quickest in play that is not late and still fits, else by weight. */
  #selectRetry(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    return this.#quickest(candidates, request.budgetMs, nowMs) ?? this.swrr.pick(candidates, this.weights);
  }

  /** The one in play with the least ℓⁿ + G that is not late and takes at most `budgetMs`; null when there is none. */
  #quickest(candidates: readonly Candidate[], budgetMs: number, nowMs: number): Candidate | null {
    let quickest: Candidate | null = null;
    let leastMs = budgetMs;
    for (const candidate of candidates) {
      if ((this.weights[candidate.handle] as number) <= 0 || this.#isLate(candidate, nowMs)) continue;
      const processingMs = this.estimates.processingMs[candidate.handle] as number;
      const expectedMs = candidate.rttMs + (Number.isNaN(processingMs) ? this.unloaded.ms : processingMs);
      if (expectedMs <= leastMs) {
        quickest = candidate;
        leastMs = expectedMs;
      }
    }
    return quickest;
  }

  #isWorseServed(clientId: string, nowMs: number): boolean {
    if (clientId === '') return false;
    const { clients, qos } = this.context;
    if (clients.requests(clientId, nowMs) < STANDING_REQUESTS_MIN) return false;
    return clients.successRatio(clientId, nowMs) < qos.successRatio;
  }

  #miss(outcome: Outcome & { readonly kind: 'end' }, nowMs: number): void {
    const { candidate, result, startMs } = outcome;
    const weight = result === 'failed' || result === 'refused' ? ERROR_WEIGHT : 1;
    if (!this.streaks.miss(candidate.handle, weight, { startMs, nowMs })) return;
    const untilMs = this.streaks.untilMs(candidate.handle);
    const reason =
      weight === ERROR_WEIGHT ? `last try ${result}` : `${this.streaks.misses(candidate.handle)} misses in a row`;
    this.context.onEvent({ kind: 'cooldown', key: candidate.key, untilMs, reason });
    this.#refreshPanic(nowMs);
  }

  #refreshPanic(nowMs: number): void {
    const panic = isPanic(this.#up, this.streaks, nowMs);
    if (panic !== this.#panic) this.context.onEvent({ kind: 'panic', on: panic });
    this.#panic = panic;
  }

  // ---- who is in play ----

  /** Recomputes who is feasible; true when that changed. When nobody is, everybody who is up has to do. */
  #refreshFeasible(): boolean {
    const { latencyMs } = this.context.qos;
    const unloadedMs = this.unloaded.ms;
    const within = this.#up.filter(
      ({ rttMs }) => !this.options.feasibility || isFeasible({ rttMs, latencyMs, unloadedMs }),
    );
    const feasible = within.length > 0 ? within : this.#up;
    const before = this.#feasible;
    this.#feasible = feasible;
    return feasible.length !== before.length || feasible.some((candidate, i) => candidate !== before[i]);
  }

  #rotate(nowMs: number): void {
    const floor = (FLOOR_SLACK * this.options.floor) / this.members.length;
    const isWeak = (candidate: Candidate): boolean => (this.weights[candidate.handle] as number) <= floor;
    const rotated = this.#subset.rotate(this.#feasible, this.members, { nowMs, isWeak });
    if (rotated !== this.members) this.#setMembers(rotated);
  }

  /** Puts others in play: those who stay keep their proportions, newcomers get what `#joinWeight` says. */
  #setMembers(next: readonly Candidate[]): void {
    const before = new Set(this.members);
    const staying = new Set(next);
    for (const candidate of before) if (!staying.has(candidate)) this.weights[candidate.handle] = 0;
    this.members = next;
    if (this.cold) {
      this.#startWeights();
      return;
    }
    normalise(
      next.filter((candidate) => before.has(candidate)),
      this.weights,
    );
    for (const candidate of next) {
      if (!before.has(candidate)) this.weights[candidate.handle] = this.#joinWeight(candidate, next.length);
      this.#seen[candidate.handle] = 1;
    }
    normalise(next, this.weights);
  }

  /** Half a fair share for a new instance; the floor for one that was in play before and comes back. */
  #joinWeight(candidate: Candidate, members: number): number {
    return (this.#seen[candidate.handle] === 1 ? this.options.floor : JOIN_SHARE) / members;
  }

  /** The cold start: by round trip, the own node first. */
  #startWeights(): void {
    const { latencyMs } = this.context.qos;
    for (const { handle, rttMs, local } of this.members) {
      this.weights[handle] = this.options.cold_start ? startWeight(rttMs, latencyMs, local) : 1;
      this.#seen[handle] = 1;
    }
    normalise(this.members, this.weights);
  }

  #forgetLeavers(candidates: readonly Candidate[]): void {
    const live = new Set(candidates);
    let left = false;
    this.known.forEach((candidate, handle) => {
      if (candidate === undefined || live.has(candidate)) return;
      this.#clear(handle);
      this.known[handle] = undefined;
      left = true;
    });
    if (left) this.members = this.members.filter((candidate) => live.has(candidate));
  }

  #learnOf(candidate: Candidate): void {
    const { handle } = candidate;
    this.weights = grownFloat64(this.weights, handle + 1);
    this.#refused = grownFloat64(this.#refused, handle + 1);
    this.#panicWeights = grownFloat64(this.#panicWeights, handle + 1);
    this.#seen = grownFloat64(this.#seen, handle + 1);
    this.estimates.ensureHandles(handle + 1);
    this.streaks.ensureHandles(handle + 1);
    this.swrr.ensureHandles(handle + 1);
    this.#clear(handle);
    this.known[handle] = candidate;
  }

  #clear(handle: number): void {
    this.windows[handle] = new LatencyWindow(this.context.qos.windowMs);
    this.weights[handle] = 0;
    this.#refused[handle] = 0;
    this.#seen[handle] = 0;
    this.estimates.forget(handle);
    this.streaks.forget(handle);
    this.swrr.setCredit(handle, 0);
  }

  #factsOf(candidate: Candidate, nowMs: number): QedgeFacts {
    const { handle } = candidate;
    assert(handle < this.weights.length, `handle ${handle} was never announced`);
    return {
      candidate,
      member: this.members.includes(candidate),
      feasible: this.#feasible.includes(candidate),
      weight: this.weights[handle] as number,
      success: this.estimates.success[handle] as number,
      processingMs: this.estimates.processingMs[handle] as number,
      pressure: this.estimates.pressure[handle] as number,
      cost: this.estimates.costs[handle] as number,
      samples: this.windows[handle]?.size ?? 0,
      misses: this.streaks.misses(handle),
      lateMs: Math.max(0, this.streaks.untilMs(handle) - nowMs),
      overdue: nowMs - candidate.oldestStartMs > this.context.qos.latencyMs,
      unloadedMs: this.unloaded.ms,
    };
  }
}
