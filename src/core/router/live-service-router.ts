// The service router: keeps the books (what is in flight, how instances and clients fare), asks the policy where a request
// goes, and holds the line when the policy wants none. Which instances there are is membership.ts.
//
// A plain GET makes four calls, which stand in this order; in brackets is the caller:
//
//   route          [exchange] picks an instance: that of its session; else what `policy.select` picks, by default that of
//                  policies/qedge/policy.ts; else the best that is left (fallback.ts). Null: the request is refused
//   start          [attempt] one more is in flight there (flight-table.ts), and the policy observes that
//   finish         [attempt] one less; what ended is judged beside the other instances (relative-evidence.ts), and the policy observes
//                  how it ended: this is what it learns from
//   recordRequest  [the exchange's record] the client has had one more success, or one less (stats/client-ledger.ts)
//
// Between requests, `tick` lets the policy decide on its weights.
//
// Long because: every book of one service changes in the same few steps of a request.

import {
  type AttemptResult,
  type Candidate,
  type EndedRequest,
  type Evidence,
  type InstanceKey,
  NO_HANDLE,
  type PlacementUpdate,
  type QosTarget,
  type RequestInfo,
} from '../domain.ts';
import type { Neighbours } from '../neighbours/neighbours.ts';
import { isLate } from '../policies/lateness.ts';
import { NO_FLIGHT, type Policy, type PolicyContext } from '../policies/policy.ts';
import type {
  InstanceState,
  RoutePreview,
  RouterSnapshot,
  RouterState,
  RouterTap,
  RouteTier,
  ServiceOverview,
  ServiceRouter,
  ServiceRouterOptions,
  Ticket,
} from '../service-router.ts';
import type { Reason } from '../verdict/reason.ts';
import type { VerdictRow } from '../verdict/table.ts';
import { Aim } from './aim.ts';
import { bestOrNearest, firstToReturn } from './fallback.ts';
import type { FlightTable } from './flight-table.ts';
import { InstanceResults } from './instance-results.ts';
import type { LiveCandidate } from './live-candidate.ts';
import { RouterParts } from './parts.ts';
import { NO_QUESTION } from './questions.ts';
import { resultAlone } from './relative-evidence.ts';
import { ReusedOutcomes } from './reused-outcomes.ts';
import type { SessionTable } from './session-table.ts';
import { instanceStates, routerState, serviceOverview } from './state/router-state.ts';
import { restoreRouter, routerSnapshot } from './state/snapshot.ts';
import { Steps } from './steps.ts';

/** Overload is over when nothing was refused for this long. */
const SHEDDING_MS = 10_000;

/**
 * What other event loops have in flight is looked at once in this share of τ, and at least once in so long: a queue moves little in it, and
 * of ten thousand requests a second most need not add up what is at each instance.
 */
const RECOUNT_SHARE = 0.01;
const RECOUNT_MS_MAX = 1;

/** The router behind `createRouter`. */
export class LiveServiceRouter implements ServiceRouter {
  readonly service: string;
  readonly qos: QosTarget;
  readonly policyName: string;
  lastTier: RouteTier = 'policy';

  readonly #parts: RouterParts;
  readonly #steps: Steps;
  readonly #outcomes = new ReusedOutcomes();
  #tap: RouterTap | null = null;
  /** Null: no request came as a stage of a chain. */
  #aim: Aim | null = null;
  /** When a request was refused last. */
  #shedMs = Number.NEGATIVE_INFINITY;
  /** When what other event loops have in flight is looked at again. */
  #recountMs = Number.NEGATIVE_INFINITY;

  /** `makePolicy` is given the books that a policy may read. */
  constructor(options: ServiceRouterOptions, makePolicy: (context: PolicyContext) => Policy) {
    this.service = options.service;
    this.qos = options.qos;
    this.policyName = options.policy.name;
    this.#parts = new RouterParts(options, makePolicy);
    const stepMs = (): number => this.#parts.policy.stepMs;
    const step = (nowMs: number): void => this.#step(nowMs);
    this.#steps = new Steps({ stepMs, step, phase: options.rng.next() }, options.nowMs);
  }

  get nextTickMs(): number {
    return this.#steps.nextMs;
  }

  get neighbours(): Neighbours | null {
    return this.#parts.neighbours;
  }

  get candidates(): readonly Candidate[] {
    return this.#parts.members.set.live;
  }

  // ---- a request: route, start, finish, recordRequest ----

  route(request: RequestInfo, nowMs: number): Candidate | null {
    this.#steps.wake(nowMs);
    const { members, sessions, policy, offers, flights } = this.#parts;
    if (nowMs >= members.ejectionsEndMs) members.endEjections(nowMs);
    if (flights.isShared && nowMs >= this.#recountMs) {
      recount(members.set.active, flights);
      this.#recountMs = nowMs + Math.min(RECOUNT_SHARE * this.qos.latencyMs, RECOUNT_MS_MAX);
    }
    const home = sessions === null ? null : this.#homeOf(request, sessions, nowMs);
    if (home !== null) {
      this.lastTier = 'policy';
      offers?.stay(request, home, nowMs);
      return home;
    }
    const { active } = members.set;
    const offered = request.tried.length === 0 ? this.#offered(request, nowMs) : members.set.untried(request.tried);
    if (offered.length > 0) {
      const picked = this.#select(request, offered, nowMs);
      if (picked !== null || policy.sheds !== true || request.tried.length > 0)
        return this.#orFallback(picked, offered);
      this.lastTier = 'shed';
      this.#shedMs = nowMs;
      policy.refused?.();
      return null;
    }
    // Every instance was tried already: better one of them again than nothing.
    if (active.length > 0) return this.#orFallback(this.#select(request, active, nowMs), active);
    this.lastTier = this.#tierOfNone;
    return null;
  }

  /** The active instances, but for one whose odd answer to the same question needs a second opinion that can be had in time. */
  #offered({ question = NO_QUESTION }: RequestInfo, nowMs: number): readonly LiveCandidate[] {
    const { members, relative, policy } = this.#parts;
    const { active } = members.set;
    const asked = question === NO_QUESTION || active.length < 2 ? null : relative.questions.asked(question);
    // While requests are refused, what has no room is not to be asked instead of what has.
    if (asked === null || nowMs - this.#shedMs <= SHEDDING_MS) return active;
    const others = active.filter((one) => one.handle !== asked && !isLate(policy, one, this.qos, nowMs));
    if (others.length === 0) return active;
    relative.questions.pass(question);
    return others;
  }

  get comparesQuestions(): boolean {
    return this.#parts.relative.questions.any;
  }

  #select(request: RequestInfo, candidates: readonly LiveCandidate[], nowMs: number): Candidate | null {
    const { offers, policy } = this.#parts;
    if (offers === null || !offers.isSelective) return policy.select(request, candidates, nowMs);
    return offers.select(request, candidates, nowMs);
  }

  /** What the policy picked, or what the fallback gives when it wants none. */
  #orFallback(picked: Candidate | null, offered: readonly LiveCandidate[]): Candidate | null {
    const { policy } = this.#parts;
    const ejected = picked === null ? firstToReturn(offered, policy, this.qos.latencyMs) : null;
    if (offered[0]?.availability !== 'up') this.lastTier = 'last-resort';
    else if (picked !== null) this.lastTier = 'policy';
    else this.lastTier = ejected === null ? 'fallback' : 'ejected';
    return picked ?? ejected ?? bestOrNearest(offered, policy);
  }

  /** Why there is no instance to offer. */
  get #tierOfNone(): RouteTier {
    return this.#parts.members.set.live.length === 0 ? 'policy' : 'barred';
  }

  /** The instance of the request's session, as long as it is trusted and not late; null: the policy decides. */
  #homeOf({ session = '', tried }: RequestInfo, sessions: SessionTable, nowMs: number): Candidate | null {
    if (session === '' || tried.length > 0) return null;
    const { members, policy } = this.#parts;
    const key = sessions.homeOf(session, nowMs);
    const home = key === null ? undefined : members.set.get(key);
    if (home === undefined || !home.isActive) return null;
    const trusted = policy.isTrusted?.(home, nowMs) ?? true;
    return trusted && !isLate(policy, home, this.qos, nowMs) ? home : null;
  }

  start(candidate: Candidate, nowMs: number, session = '', question = NO_QUESTION): Ticket {
    this.#steps.wake(nowMs);
    const { members, rates, sessions, flights, policy } = this.#parts;
    const live = members.set.at(candidate.handle);
    rates.countService(nowMs);
    if (session !== '') sessions?.assign(session, candidate.key, nowMs);
    if (live !== candidate) return flights.add(NO_HANDLE, nowMs);
    const ticket = flights.add(live.handle, nowMs);
    live.requests++;
    rates.countInstance(live.handle, nowMs);
    if (ticket === NO_FLIGHT) return ticket;
    flights.question[ticket] = question;
    refreshFlights(live, flights);
    policy.observe(this.#outcomes.start(live, nowMs), nowMs);
    if (this.#tap !== null) this.#tap.started(ticket, live, policy.view(live, nowMs).weight, nowMs);
    return ticket;
  }

  finish(ticket: Ticket, evidence: Evidence, latencyMs: number, nowMs: number): AttemptResult {
    const { members, flights, relative, offers, neighbours, policy } = this.#parts;
    const live = ticket === NO_FLIGHT ? undefined : members.set.at(flights.handleOf(ticket));
    if (live === undefined) {
      if (ticket !== NO_FLIGHT) flights.remove(ticket);
      return resultAlone(evidence);
    }
    const startMs = flights.startMs(ticket);
    const ahead = flights.ahead(ticket);
    flights.remove(ticket);
    refreshFlights(live, flights);
    relative.question = flights.question[ticket] as number;
    const result = relative.judge(live.handle, evidence, latencyMs, nowMs);
    if (result !== 'aborted') offers?.books.reliability.observe(live.handle, result !== 'answered');
    const { chargedMs } = relative;
    if (result !== 'aborted') neighbours?.observe(live, result === 'answered' ? chargedMs : null, startMs);
    if (result === 'answered') live.answeredMs = nowMs;
    else if (result !== 'aborted') live.failures++;
    // An answer bounds the round trip from above, where it is not measured.
    if (!live.rttKnown && result === 'answered' && latencyMs < live.rttMs) live.rttMs = latencyMs;
    const end = this.#outcomes.end(live, startMs, ahead);
    end.result = result;
    end.latencyMs = chargedMs;
    end.success = result === 'answered' && chargedMs <= (this.#aim?.latencyMs ?? this.qos.latencyMs);
    policy.observe(end, nowMs);
    if (this.#tap !== null) this.#tap.finished(ticket, result, chargedMs);
    return result;
  }

  recordRequest(request: EndedRequest, nowMs: number): void {
    const { clients, offers, groups } = this.#parts;
    const { clientId, ending } = request;
    // `NO_ROW` of a client that is not distinguished is one below the first: it becomes the row of all together.
    const row = clients.record(clientId, ending === 'success', nowMs);
    offers?.books.record(row + 1, request, groups.of(clientId), nowMs);
  }

  // ---- what else may come of one ----

  retractSuccess(candidate: Candidate, latencyMs: number, nowMs: number): void {
    const { members, offers, policy } = this.#parts;
    const live = members.set.at(candidate.handle);
    if (live === undefined || live !== candidate) return;
    live.failures++;
    offers?.books.reliability.retract(live.handle);
    const end = this.#outcomes.end(live, nowMs - latencyMs, 0);
    end.result = 'failed';
    end.latencyMs = latencyMs;
    end.success = false;
    policy.observe(end, nowMs);
  }

  judgeHollow(candidate: Candidate, nowMs: number): boolean {
    const { members, relative } = this.#parts;
    relative.question = NO_QUESTION;
    return members.set.at(candidate.handle) === candidate && relative.judgeHollow(candidate.handle, nowMs) === 'failed';
  }

  streamBegan(candidate: Candidate): void {
    const live = this.#parts.members.set.at(candidate.handle);
    if (live === candidate) live.streams++;
  }

  streamEnded(candidate: Candidate): void {
    const live = this.#parts.members.set.at(candidate.handle);
    if (live === candidate && live.streams > 0) live.streams--;
  }

  setTap(tap: RouterTap | null): void {
    this.#tap = tap;
  }

  eject(candidate: Candidate, untilMs: number, nowMs: number): void {
    this.#parts.members.eject(candidate, untilMs, nowMs);
  }

  recordVerdict(candidate: Candidate, row: VerdictRow, reason: Reason, nowMs: number): void {
    const { members, options } = this.#parts;
    const live = members.set.at(candidate.handle);
    if (live === undefined || live !== candidate) return;
    live.results ??= new InstanceResults();
    const { results, key } = live;
    const change = results.record(row, reason, nowMs);
    if (change === 'failing') options.onEvent?.({ kind: 'instance-failing', key, reasons: results.reasons });
    else if (change === 'well') options.onEvent?.({ kind: 'instance-well', key });
  }

  retractRequest(clientId: string, recordedMs: number, nowMs: number): void {
    const { clients, offers } = this.#parts;
    clients.retract(clientId, recordedMs, nowMs);
    offers?.books.fail(offers.rowOf(clientId), nowMs);
  }

  observeGroup(clientId: string, group: number): void {
    this.#parts.groups.observe(clientId, group);
  }

  // ---- the world around ----

  applyPlacement(update: PlacementUpdate, nowMs: number): void {
    this.#steps.makeUp(nowMs);
    this.#parts.members.apply(update, nowMs);
  }

  observeRtt(nodeId: string, rttMs: number, nowMs: number): void {
    this.#steps.makeUp(nowMs);
    this.#parts.members.observeRtt(nodeId, rttMs, nowMs);
  }

  setRttChangeRatio(ratio: number): void {
    this.#parts.members.rtts.changeRatio = ratio;
  }

  aim(latencyMs: number): void {
    this.#aim ??= new Aim(this.qos.latencyMs, this.requests);
    this.#aim.note(latencyMs);
  }

  tick(nowMs: number): void {
    this.#steps.tick(nowMs);
  }

  get requests(): number {
    return this.#parts.rates.asked;
  }

  get isBusy(): boolean {
    const { flights, members } = this.#parts;
    return flights.total > 0 || members.set.live.some(({ streams }) => streams > 0);
  }

  rest(onWake: () => void): void {
    this.#steps.rest(onWake);
  }

  #step(nowMs: number): void {
    const aim = this.#aim;
    // A policy that is replaced does not hand on how much it refused: under overload it stays.
    if (aim !== null && nowMs - this.#shedMs > SHEDDING_MS && aim.step(this.requests, nowMs))
      this.#parts.steerBy(aim, nowMs);
    const { policy, offers } = this.#parts;
    policy.tick(nowMs);
    offers?.books.want(policy);
  }

  // ---- for people, and for the next start ----

  preview(request: RequestInfo, nowMs: number): RoutePreview {
    const { members, policy, offers, flights } = this.#parts;
    const { active } = members.set;
    if (flights.isShared) recount(active, flights);
    if (active.length === 0) return { candidate: null, tier: this.#tierOfNone, byChance: false };
    if (policy.preview === undefined) return { candidate: null, tier: 'policy', byChance: true };
    const before = this.lastTier;
    const picked = offers === null ? policy.preview(request, active, nowMs) : offers.preview(request, active, nowMs);
    if (picked === null && policy.sheds === true) return { candidate: null, tier: 'shed', byChance: false };
    const candidate = this.#orFallback(picked, active);
    const tier = this.lastTier;
    this.lastTier = before;
    return { candidate, tier, byChance: false };
  }

  state(nowMs: number): RouterState {
    return routerState(this.#parts, nowMs);
  }

  overview(nowMs: number): ServiceOverview {
    return serviceOverview(this.#parts, nowMs);
  }

  instances(nowMs: number): Iterable<InstanceState> {
    return instanceStates(this.#parts, nowMs);
  }

  density(key: InstanceKey, gridMs: readonly number[], nowMs: number): number[] | null {
    const { members, policy } = this.#parts;
    const candidate = members.set.get(key);
    return candidate === undefined ? null : policy.density(candidate, gridMs, nowMs);
  }

  answeredMs(key: InstanceKey): number {
    return this.#parts.members.set.get(key)?.answeredMs ?? Number.NEGATIVE_INFINITY;
  }

  snapshot(nowMs: number): RouterSnapshot {
    return routerSnapshot(this.#parts, nowMs);
  }

  restore(snapshot: RouterSnapshot, ageMs: number, nowMs: number): void {
    this.#steps.makeUp(nowMs);
    restoreRouter(this.#parts, { snapshot, ageMs }, nowMs);
  }

  reset(nowMs: number): void {
    this.#steps.makeUp(nowMs);
    const { clients, groups, sessions, relative, offers, policy, members } = this.#parts;
    clients.clear();
    groups.clear();
    sessions?.clear();
    relative.reset();
    offers?.books.reset();
    policy.reset(nowMs);
    policy.update(members.set.admitted, nowMs);
  }
}

/** Other event loops sent something there meanwhile, or heard of it. */
function recount(candidates: readonly LiveCandidate[], flights: FlightTable): void {
  for (const candidate of candidates) candidate.inFlight = flights.all(candidate.handle);
}

function refreshFlights(candidate: LiveCandidate, flights: FlightTable): void {
  candidate.inFlight = flights.all(candidate.handle);
  candidate.oldestStartMs = flights.oldestStartMs(candidate.handle);
}
