// `qedge`, the default. The frame is the paper's (local observations only, a QoS pool, KDE over a sliding window, SWRR, no
// coordination); what differs is how weights move. Recomputing them from scratch every few seconds from an estimate that
// is as old makes many load balancers herd and oscillate. Here damped multiplicative weights (the slow loop) turn the
// same observations into a congestion game that converges, and a per-request deferral (the fast loop) keeps requests away
// from an instance that is late right now. The parts are beside this file, one idea a file.

import type { Candidate, Outcome, RequestInfo } from '../../domain.ts';
import { LatencyWindow } from '../../stats/latency-window.ts';
import { isPanic } from '../../stats/panic.ts';
import { CandidateDiff } from '../candidate-diff.ts';
import { definePolicy } from '../definition.ts';
import type { CandidateView, Policy, PolicyContext, PolicySummary } from '../policy.ts';
import { ActiveSet } from './active-set.ts';
import { Choice } from './choice.ts';
import { Estimates, FAILURE_LATENCIES } from './estimates.ts';
import { ERROR_WEIGHT, MissStreak } from './miss-streak.ts';
import { Moment } from './moment.ts';
import { QEDGE_OPTIONS, type QedgeOptions, scaleTo } from './options.ts';
import { Pace } from './pace.ts';
import { RequirementSteering } from './requirement-steering.ts';
import { Shedding } from './shedding.ts';
import { restoreQedge, snapshotQedge } from './snapshot.ts';
import { UnloadedLatency } from './unloaded-latency.ts';
import { densityOf, summaryOf, viewOf } from './view.ts';

/** The default policy. */
export const QEDGE = definePolicy({
  about: 'the default: damped weights by success and congestion, deferral of what is late right now',
  options: QEDGE_OPTIONS,
  create: (values, context) => new Qedge(values, context),
});

/** A miss is a processing latency of this share of what τ leaves after the round trip, or more. */
const MISS_SHARE = 0.9;

/** The parts, by handle where they concern instances; shared with the snapshot and the view of the policy. */
class Qedge implements Policy {
  readonly name = 'qedge';
  readonly stepMs: number;
  readonly sheds: boolean;
  readonly candidateDiff = new CandidateDiff();
  readonly activeSet: ActiveSet;
  readonly estimates: Estimates;
  readonly streaks: MissStreak;
  readonly unloaded: UnloadedLatency;
  readonly pace = new Pace();
  readonly moment: Moment;
  readonly choice: Choice;
  /** Null where nothing is ever refused. */
  shedding: Shedding | null;
  /** Null where there is nothing to steer for but the latency goal. */
  readonly #requirements: RequirementSteering | null;
  /** The same as `#requirements` while there is something to spend on the objective, else null. */
  spending: RequirementSteering | null = null;
  /** Processing latencies, indexed by handle; a window is made when an instance first answers. */
  readonly windows: (LatencyWindow | undefined)[] = [];
  readonly #options: QedgeOptions;
  readonly #context: PolicyContext;
  /** Reused: nothing is allocated per request. Fractions, so that the fields hold such from the first. */
  readonly #attempt = { processingMs: 0.5, budgetMs: 0.5, ahead: 0.5, startMs: 0.5, nowMs: 0.5 };

  constructor(options: QedgeOptions, context: PolicyContext) {
    const { latencyMs } = context.qos;
    const scale = scaleTo(latencyMs);
    this.#options = options;
    this.#context = context;
    this.stepMs = options.step;
    // A run may still be in time though this stage is not, and its client has waited for the earlier stages.
    this.sheds = options.shed && context.isPart !== true;
    this.activeSet = new ActiveSet(options, latencyMs);
    this.estimates = new Estimates(options, context);
    this.streaks = new MissStreak(scale.lateMs, scale.lateMsMax);
    this.shedding = this.#newShedding();
    this.#requirements = context.guidance === null ? null : new RequirementSteering(context.guidance, latencyMs);
    this.unloaded = new UnloadedLatency(scale.unloadedMs);
    this.moment = new Moment(options, context, this);
    this.choice = new Choice(latencyMs, options.deferral, this);
  }

  // ---- fast loop: every request ----

  select(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    if (request.tried.length > 0) return this.choice.retry(request, candidates, nowMs);
    return this.choice.first(candidates, nowMs);
  }

  giveBack(picked: Candidate, candidates: readonly Candidate[]): void {
    this.choice.giveBack(picked, candidates);
  }

  refused(): void {
    this.shedding?.refuse();
  }

  preview(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    return this.choice.preview(() => this.select(request, candidates, nowMs));
  }

  observe(outcome: Outcome, nowMs: number): void {
    this.activeSet.cold = false;
    const { handle, rttMs } = outcome.candidate;
    const { flights, qos } = this.#context;
    this.shedding?.observeFlights(handle, flights.count(handle), nowMs);
    if (outcome.kind === 'start') {
      this.shedding?.send();
      this.moment.send(outcome.candidate.handle, nowMs);
      return;
    }
    const { latencyMs } = qos;
    const { result } = outcome;
    // A client that left in time says nothing of the instance.
    if (result === 'aborted' && outcome.latencyMs <= latencyMs) return;
    const processingMs = outcome.latencyMs - rttMs;
    const failed = result !== 'answered' && result !== 'aborted';
    if (result === 'answered') this.unloaded.observe(processingMs);
    const chargedMs = failed ? Math.max(FAILURE_LATENCIES * latencyMs, processingMs) : processingMs;
    this.windowOf(handle).push(nowMs, chargedMs);
    if (!failed || result === 'timeout') this.#endForShedding(outcome, chargedMs, nowMs);
    this.estimates.memory.observe(handle, chargedMs <= latencyMs - rttMs, Math.min(2 * latencyMs, chargedMs));
    // One failure before any answer says nothing of a queue; held for one, it kept its instance without requests for minutes.
    const isFirst = !this.pace.knows(handle) && this.streaks.misses(handle) === 0;
    if (result !== 'refused' && !(result === 'failed' && isFirst))
      this.pace.observe(handle, outcome.ahead, Math.min(2 * latencyMs, chargedMs), nowMs);
    this.moment.observe(handle, result, nowMs);
    if (!failed && processingMs < MISS_SHARE * (latencyMs - rttMs)) this.streaks.success(handle);
    else this.#miss(outcome, nowMs);
  }

  // ---- the set of candidates ----

  update(candidates: readonly Candidate[], nowMs: number): void {
    const { left, joined } = this.candidateDiff.sync(candidates);
    for (const handle of left) this.#forget(handle);
    for (const { handle } of joined) this.#learnOf(handle);
    this.activeSet.update(candidates, this.estimates.memory);
    this.#drawTurns();
    this.#refreshPanic(nowMs);
  }

  // ---- slow loop: every step ----

  tick(nowMs: number): void {
    this.unloaded.refresh();
    // Deviation: a load balancer without requests learns nothing, so its weights stay instead of drifting to the priors.
    const evidence = this.#estimate(nowMs);
    this.activeSet.catchUp(this.estimates);
    if (evidence) {
      this.#requirements?.charge(this.activeSet.members, this.estimates);
      this.activeSet.step(this.estimates, this.choice.turns, this.stepMs);
      this.#requirements?.hold(this.activeSet.members, this.activeSet.weights);
      this.spending = this.#requirements?.spends === true ? this.#requirements : null;
    }
    this.moment.step(this.activeSet.members);
    this.shedding?.step(this.activeSet.members, (one, sinceMs) => this.moment.overdue(one, sinceMs, nowMs), nowMs);
    this.#refreshPanic(nowMs);
  }

  wantedShare(k: number): number {
    return this.#requirements?.wantedShare(k) ?? Number.NaN;
  }

  // ---- for the fallback and for people ----

  isLate(candidate: Candidate, nowMs: number, isPatient: boolean): boolean {
    return this.moment.isLate(candidate, nowMs, isPatient);
  }

  isTrusted({ handle }: Candidate): boolean {
    const success = this.estimates.success[handle] ?? Number.NaN;
    return (this.activeSet.weights[handle] ?? 0) > 0 && !(success < this.#context.qos.successRatio);
  }

  cooldownUntilMs(candidate: Candidate): number {
    return this.streaks.untilMs(candidate.handle);
  }

  successEstimate(candidate: Candidate): number {
    return this.estimates.success[candidate.handle] ?? Number.NaN;
  }

  density(candidate: Candidate, gridMs: readonly number[], nowMs: number): number[] | null {
    return densityOf(this, candidate.handle, { gridMs, nowMs });
  }

  view(candidate: Candidate, nowMs: number): CandidateView {
    return viewOf(this, candidate, { qos: this.#context.qos, nowMs });
  }

  summary(nowMs: number): PolicySummary {
    return summaryOf(this, { qos: this.#context.qos, nowMs });
  }

  snapshot(nowMs: number): unknown {
    return snapshotQedge(this, nowMs);
  }

  restore(snapshot: unknown, ageMs: number, nowMs: number): void {
    this.activeSet.restore(restoreQedge(this, snapshot, { ageMs, nowMs }));
    this.#refreshPanic(nowMs);
  }

  reset(nowMs: number): void {
    this.shedding = this.#newShedding();
    for (const { handle } of this.candidateDiff) this.#learnOf(handle);
    this.unloaded.reset();
    this.activeSet.reset();
    this.#drawTurns();
    this.#refreshPanic(nowMs);
  }

  /** Returns the window of an instance, made when first needed: most of many instances are never active. */
  windowOf(handle: number): LatencyWindow {
    const known = this.windows[handle];
    if (known !== undefined) return known;
    const made = new LatencyWindow(this.#context.qos.windowMs);
    this.windows[handle] = made;
    return made;
  }

  // ---- fast loop ----

  #endForShedding(outcome: Outcome & { readonly kind: 'end' }, processingMs: number, nowMs: number): void {
    if (this.shedding === null) return;
    const attempt = this.#attempt;
    attempt.processingMs = processingMs;
    attempt.budgetMs = this.#context.qos.latencyMs - outcome.candidate.rttMs;
    attempt.ahead = outcome.ahead;
    attempt.startMs = outcome.startMs;
    attempt.nowMs = nowMs;
    this.shedding.end(outcome.candidate.handle, attempt, outcome.result === 'answered');
  }

  #miss(outcome: Outcome & { readonly kind: 'end' }, nowMs: number): void {
    const { candidate, result, startMs } = outcome;
    const { handle, key } = candidate;
    const weight = this.moment.missesOf(handle, result);
    if (!this.streaks.miss(handle, weight, { startMs, nowMs })) return;
    // The reason gives no number of misses, since an error counts as several.
    const reason = weight === ERROR_WEIGHT ? `last attempt ${result}` : 'misses in a row';
    this.#context.onEvent({ kind: 'ejected', key, untilMs: this.streaks.untilMs(handle), reason });
    this.#refreshPanic(nowMs);
  }

  #refreshPanic(nowMs: number): void {
    const panic = isPanic(this.activeSet.members, this.streaks, nowMs);
    if (panic !== this.moment.panic) this.#context.onEvent({ kind: 'panic', on: panic });
    this.moment.panic = panic;
  }

  #newShedding(): Shedding | null {
    return this.sheds ? new Shedding(this.#options.step, this.#context.qos.latencyMs) : null;
  }

  // ---- slow loop ----

  /** Takes stock of all active ones; returns whether there is anything to learn from. */
  #estimate(nowMs: number): boolean {
    const at = { unloadedMs: this.unloaded.ms, nowMs };
    let evidence = false;
    this.estimates.advance();
    this.estimates.memory.fade(this.activeSet.members, this.stepMs);
    for (const member of this.activeSet.members) {
      const window = this.windowOf(member.handle);
      this.estimates.refresh(member, window, at);
      // Only own requests count: those of other event loops show this one nothing.
      evidence ||= window.size > 0 || member.oldestStartMs !== Number.POSITIVE_INFINITY;
    }
    return evidence;
  }

  /** Load balancers that start together send their first requests to different instances: two hundred in step fill one after another. */
  #drawTurns(): void {
    if (!this.activeSet.cold) return;
    const { members, weights } = this.activeSet;
    for (const { handle } of members)
      this.choice.swrr.setCredit(handle, this.#context.rng.next() * (weights[handle] as number));
  }

  #learnOf(handle: number): void {
    this.moment.ensureHandles(handle + 1);
    this.activeSet.learnOf(handle);
    this.estimates.ensureHandles(handle + 1);
    this.streaks.ensureHandles(handle + 1);
    this.pace.ensureHandles(handle + 1);
    this.choice.ensureHandles(handle + 1);
    this.shedding?.ensureHandles(handle + 1);
    this.#forget(handle);
  }

  #forget(handle: number): void {
    this.windows[handle] = undefined;
    this.moment.forget(handle);
    this.activeSet.forget(handle);
    this.estimates.forget(handle);
    this.streaks.forget(handle);
    this.pace.forget(handle);
    this.choice.forget(handle);
    this.shedding?.forget(handle);
  }
}
