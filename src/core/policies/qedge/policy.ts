// `qedge`, the default. The frame is the paper's (local observations only, a QoS pool, KDE over a sliding window, SWRR, no
// coordination); what differs is how weights move. Recomputing them from scratch every few seconds from an estimate that
// is as old makes many load balancers herd and oscillate. Here damped multiplicative weights (the slow loop) turn the
// same observations into a congestion game that converges, and a per-request deferral (the fast loop) keeps requests away
// from an instance that is late right now. The parts are in qedge/, one idea a file.
//
// Long because: it is where the parts meet; each has its file.

import type { Candidate, Outcome, RequestInfo } from '../../domain.ts';
import { LatencyWindow } from '../../stats/latency-window.ts';
import { isPanic } from '../../stats/panic.ts';
import { Swrr } from '../../stats/swrr.ts';
import { CandidateDiff } from '../candidate-diff.ts';
import { definePolicy } from '../definition.ts';
import type { CandidateView, Policy, PolicyContext, PolicySummary } from '../policy.ts';
import { ActiveSet } from './active-set.ts';
import { Estimates, FAILURE_LATENCIES } from './estimates.ts';
import { ERROR_WEIGHT, MissStreak } from './miss-streak.ts';
import { Moment } from './moment.ts';
import { QEDGE_OPTIONS, type QedgeOptions, scaleTo } from './options.ts';
import { Pace } from './pace.ts';
import { RequirementSteering } from './requirement-steering.ts';
import { Shedding } from './shedding.ts';
import { restoreQedge, snapshotQedge } from './snapshot.ts';
import { Turns } from './turns.ts';
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
/** While requests are refused, an instance below this success gets its own turns alone. */
const SUCCESS_HOPELESS = 0.3;

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
  readonly turns: Turns;
  readonly swrr = new Swrr();
  readonly moment: Moment;
  #shedding: Shedding;
  /** Null: nothing to steer for but the latency goal. */
  readonly #requirements: RequirementSteering | null;
  /** The same while there is something to spend on the objective. */
  #spending: RequirementSteering | null = null;
  /** Processing latencies; made when an instance first answers. */
  readonly windows: (LatencyWindow | undefined)[] = [];
  readonly #options: QedgeOptions;
  readonly #context: PolicyContext;
  /** Whose turn the last request was, wherever it went. */
  #turn: Candidate | null = null;
  /** Reused: nothing is allocated per request. Fractions, so that the fields hold such from the first. */
  readonly #attempt = { processingMs: 0.5, budgetMs: 0.5, startMs: 0.5, nowMs: 0.5 };
  /** A preview runs: it changes no counter. */
  #previewing = false;

  constructor(options: QedgeOptions, context: PolicyContext) {
    const { latencyMs } = context.qos;
    const scale = scaleTo(latencyMs);
    this.#options = options;
    this.#context = context;
    this.stepMs = options.step;
    // A run may still be in time though this stage is not, and its client has waited for the earlier stages.
    this.sheds = options.shed && context.isPart !== true;
    this.turns = new Turns(latencyMs);
    this.activeSet = new ActiveSet(options, latencyMs);
    this.estimates = new Estimates(options, context);
    this.streaks = new MissStreak(scale.lateMs, scale.lateMsMax);
    this.#shedding = new Shedding(options.step, latencyMs);
    this.#requirements = context.guidance === null ? null : new RequirementSteering(context.guidance, latencyMs);
    this.unloaded = new UnloadedLatency(scale.unloadedMs);
    this.moment = new Moment(options, context, this);
  }

  // ---- fast loop: every request ----

  select(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    this.#turn = null;
    if (request.tried.length > 0) return this.#selectRetry(request, candidates, nowMs);
    const turn = this.swrr.pick(candidates, this.activeSet.weights);
    this.#turn = turn;
    if (turn === null || !this.#options.deferral) return turn;
    const taken = this.#cheapest(turn, candidates, nowMs);
    if (this.#refuses && !this.#hasRoom(taken, nowMs)) return null;
    if (taken !== turn && !this.#previewing) this.turns.hand(turn.handle, taken.handle);
    return taken;
  }

  giveBack(picked: Candidate, candidates: readonly Candidate[]): void {
    const turn = this.#turn;
    if (turn === null) return;
    this.swrr.giveBack(turn, candidates, this.activeSet.weights);
    if (picked !== turn) this.turns.hand(picked.handle, turn.handle);
  }

  refused(): void {
    this.#shedding.refuse();
  }

  preview(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    this.#previewing = true;
    const selected = this.swrr.undone(() => this.select(request, candidates, nowMs));
    this.#previewing = false;
    return selected;
  }

  observe(outcome: Outcome, nowMs: number): void {
    this.activeSet.cold = false;
    if (outcome.kind === 'start') {
      if (this.sheds) this.#shedding.send(outcome.candidate.handle, nowMs);
      return;
    }
    const { latencyMs } = this.#context.qos;
    const { result, candidate } = outcome;
    // A client that left in time says nothing of the instance.
    if (result === 'aborted' && outcome.latencyMs <= latencyMs) return;
    const { handle, rttMs } = candidate;
    const processingMs = outcome.latencyMs - rttMs;
    const failed = result !== 'answered' && result !== 'aborted';
    if (result === 'answered') this.unloaded.observe(processingMs);
    const chargedMs = failed ? Math.max(FAILURE_LATENCIES * latencyMs, processingMs) : processingMs;
    this.windowOf(handle).push(nowMs, chargedMs);
    if (this.sheds && (!failed || result === 'timeout')) this.#endForShedding(outcome, chargedMs, nowMs);
    this.estimates.memory.observe(handle, chargedMs <= latencyMs - rttMs, Math.min(2 * latencyMs, chargedMs));
    if (result !== 'refused') this.pace.observe(handle, outcome.ahead, Math.min(2 * latencyMs, chargedMs), nowMs);
    this.moment.observe(handle, failed && result !== 'timeout');
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
      this.activeSet.step(this.estimates, this.stepMs);
      this.#requirements?.hold(this.activeSet.members, this.activeSet.weights);
      this.#spending = this.#requirements?.spends === true ? this.#requirements : null;
    }
    this.moment.step();
    if (this.sheds) this.#shedding.step(this.activeSet.members, (member) => this.moment.overdue(member, nowMs), nowMs);
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
    this.#shedding = new Shedding(this.#options.step, this.#context.qos.latencyMs);
    for (const { handle } of this.candidateDiff) this.#learnOf(handle);
    this.unloaded.reset();
    this.activeSet.reset();
    this.#drawTurns();
    this.#refreshPanic(nowMs);
  }

  /** The window of an instance, made when it is first needed: most of many instances are never active. */
  windowOf(handle: number): LatencyWindow {
    const known = this.windows[handle];
    if (known !== undefined) return known;
    const made = new LatencyWindow(this.#context.qos.windowMs);
    this.windows[handle] = made;
    return made;
  }

  // ---- fast loop ----

  /** Some instance has a limit. */
  get #refuses(): boolean {
    return this.sheds && this.#shedding.limits;
  }

  /** While requests are refused: it has no room, or leaves so little hope that what others have no room for is better refused. */
  #isClosed(candidate: Candidate, nowMs: number): boolean {
    if (!this.#refuses) return false;
    return (this.estimates.success[candidate.handle] as number) < SUCCESS_HOPELESS || !this.#hasRoom(candidate, nowMs);
  }

  /** A limit holds on the average; whether this request would be late there the own queue says. */
  #hasRoom(candidate: Candidate, nowMs: number): boolean {
    return this.#shedding.hasRoom(candidate.handle, nowMs) && !this.moment.isFull(candidate, nowMs);
  }

  #endForShedding(
    { candidate, startMs }: Outcome & { readonly kind: 'end' },
    processingMs: number,
    nowMs: number,
  ): void {
    const attempt = this.#attempt;
    attempt.processingMs = processingMs;
    attempt.budgetMs = this.#context.qos.latencyMs - candidate.rttMs;
    attempt.startMs = startMs;
    attempt.nowMs = nowMs;
    this.#shedding.end(candidate.handle, attempt);
  }

  /**
   * The one where the request costs least, turns owed counted in. What was not heard of for long has no cost: it takes its own turns, and
   * what would be late at all others.
   */
  #cheapest(turn: Candidate, candidates: readonly Candidate[], nowMs: number): Candidate {
    let cheapest = turn;
    let leastMs = this.#costMs(turn, nowMs) - this.turns.owedMs(turn.handle) - this.turns.priceMs;
    if (Number.isNaN(leastMs)) return turn;
    let unknown: Candidate | null = null;
    for (const candidate of candidates) {
      if (candidate === turn) continue;
      const costMs = this.#costMs(candidate, nowMs) - this.turns.owedMs(candidate.handle);
      if (costMs < leastMs) {
        cheapest = candidate;
        leastMs = costMs;
      } else if (Number.isNaN(costMs) && (unknown === null || candidate.rttMs < unknown.rttMs)) unknown = candidate;
    }
    if (unknown === null) return cheapest;
    return leastMs === Number.POSITIVE_INFINITY || this.moment.isLate(cheapest, nowMs) ? unknown : cheapest;
  }

  /** What one more request there costs now, the objective's expense counted in. NaN: unknown. */
  #costMs(candidate: Candidate, nowMs: number): number {
    if (this.#isClosed(candidate, nowMs)) return Number.POSITIVE_INFINITY;
    const costMs = this.moment.costMs(candidate, nowMs);
    return this.#spending === null ? costMs : costMs + this.#spending.expenseMs(candidate.handle);
  }

  /** A retry has no time to lose: the quickest active one that is not late and still fits, else by weight. */
  #selectRetry(request: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    const quickest = this.#quickest(candidates, request.budgetMs, nowMs);
    if (quickest !== null) return quickest;
    this.#turn = this.swrr.pick(candidates, this.activeSet.weights);
    return this.#turn;
  }

  /** The active one with the least ℓⁿ + G that is not late and takes at most `budgetMs`; null when there is none. */
  #quickest(candidates: readonly Candidate[], budgetMs: number, nowMs: number): Candidate | null {
    let quickest: Candidate | null = null;
    let leastMs = budgetMs;
    for (const candidate of candidates) {
      if ((this.activeSet.weights[candidate.handle] as number) <= 0 || this.moment.isLate(candidate, nowMs)) continue;
      const processingMs = this.estimates.processingMs[candidate.handle] as number;
      const expectedMs = candidate.rttMs + (Number.isNaN(processingMs) ? this.unloaded.ms : processingMs);
      if (expectedMs <= leastMs) {
        quickest = candidate;
        leastMs = expectedMs;
      }
    }
    return quickest;
  }

  #miss(outcome: Outcome & { readonly kind: 'end' }, nowMs: number): void {
    const { candidate, result, startMs } = outcome;
    const { handle, key } = candidate;
    const weight = result === 'failed' || result === 'refused' ? ERROR_WEIGHT : 1;
    if (!this.streaks.miss(handle, weight, { startMs, nowMs })) return;
    const reason =
      weight === ERROR_WEIGHT ? `last attempt ${result}` : `${this.streaks.misses(handle)} misses in a row`;
    this.#context.onEvent({ kind: 'ejected', key, untilMs: this.streaks.untilMs(handle), reason });
    this.#refreshPanic(nowMs);
  }

  #refreshPanic(nowMs: number): void {
    const panic = isPanic(this.activeSet.members, this.streaks, nowMs);
    if (panic !== this.moment.panic) this.#context.onEvent({ kind: 'panic', on: panic });
    this.moment.panic = panic;
  }

  // ---- slow loop ----

  /** Takes stock of all active ones; true when there is anything to learn from. */
  #estimate(nowMs: number): boolean {
    const at = { unloadedMs: this.unloaded.ms, nowMs };
    let evidence = false;
    this.estimates.advance();
    this.estimates.memory.fade(this.activeSet.members, this.stepMs);
    for (const member of this.activeSet.members) {
      const window = this.windowOf(member.handle);
      this.estimates.refresh(member, window, at);
      evidence ||= window.size > 0 || member.inFlight > 0;
    }
    return evidence;
  }

  /** Load balancers that start together send their first requests to different instances: two hundred in step fill one after another. */
  #drawTurns(): void {
    if (!this.activeSet.cold) return;
    const { members, weights } = this.activeSet;
    for (const { handle } of members)
      this.swrr.setCredit(handle, this.#context.rng.next() * (weights[handle] as number));
  }

  #learnOf(handle: number): void {
    this.moment.ensureHandles(handle + 1);
    this.activeSet.learnOf(handle);
    this.estimates.ensureHandles(handle + 1);
    this.streaks.ensureHandles(handle + 1);
    this.pace.ensureHandles(handle + 1);
    this.turns.ensureHandles(handle + 1);
    this.#shedding.ensureHandles(handle + 1);
    this.swrr.ensureHandles(handle + 1);
    this.#forget(handle);
  }

  #forget(handle: number): void {
    this.windows[handle] = undefined;
    this.moment.observe(handle, false);
    this.activeSet.forget(handle);
    this.estimates.forget(handle);
    this.streaks.forget(handle);
    this.pace.forget(handle);
    this.turns.forget(handle);
    this.#shedding.forget(handle);
    this.swrr.setCredit(handle, 0);
  }
}
