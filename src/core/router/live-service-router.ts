// The service router: keeps the books (what is in flight, how instances and clients fare), asks the policy where a request
// goes, and holds the line when the policy wants none. Which instances there are is membership.ts.
//
// A plain GET makes four calls, which stand in this order; in brackets is who calls:
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
import { Neighbours } from '../neighbours/neighbours.ts';
import { isHopeless, isLate } from '../policies/lateness.ts';
import { NO_FLIGHT, type Policy, type PolicyContext } from '../policies/policy.ts';
import { RequirementBooks } from '../requirements/books.ts';
import { isMoreAsked, NO_REQUIREMENTS } from '../requirements/requirements.ts';
import type {
  InstanceState,
  NeighbourUse,
  RoutePreview,
  RouterEvent,
  RouterSnapshot,
  RouterState,
  RouterTap,
  RouteTier,
  ServiceRouter,
  ServiceRouterOptions,
  Ticket,
} from '../service-router.ts';
import { ClientLedger } from '../stats/client-ledger.ts';
import type { Reason } from '../verdict/reason.ts';
import type { VerdictRow } from '../verdict/table.ts';
import { Aim } from './aim.ts';
import type { CandidateSet } from './candidate-set.ts';
import { bestOrNearest, firstToReturn } from './fallback.ts';
import { FlightTable } from './flight-table.ts';
import { GroupTable } from './group-table.ts';
import { InstanceResults } from './instance-results.ts';
import type { LiveCandidate } from './live-candidate.ts';
import { Membership } from './membership.ts';
import { Offers } from './offers.ts';
import { RelativeEvidence, resultAlone } from './relative-evidence.ts';
import { RequestRates } from './request-rates.ts';
import { ReusedOutcomes } from './reused-outcomes.ts';
import { RTT_CHANGE_RATIO_DEFAULT } from './rtt-table.ts';
import { SessionTable } from './session-table.ts';
import { instanceStates, type RouterParts, routerState } from './state/router-state.ts';
import { restoreRouter, routerSnapshot } from './state/snapshot.ts';

const INSTANCES_MAX_DEFAULT = 4096;
const CLIENTS_MAX_DEFAULT = 4096;
const FLIGHTS_MAX_DEFAULT = 262_144;
/** So long after a refusal it is still overload. */
const SHEDDING_MS = 10_000;

/** The router behind `createRouter`. */
export class LiveServiceRouter implements ServiceRouter {
  readonly service: string;
  readonly qos: QosTarget;
  readonly policyName: string;
  lastTier: RouteTier = 'policy';
  nextTickMs: number;

  readonly #options: ServiceRouterOptions;
  readonly #makePolicy: (qos: QosTarget) => Policy;
  #policy: Policy;
  readonly #onEvent: (event: RouterEvent) => void;

  readonly #members: Membership;
  readonly #set: CandidateSet;
  readonly #flights: FlightTable;
  readonly #clients: ClientLedger;
  /** Null: the latency goal is the only requirement. */
  readonly #offers: Offers | null;
  readonly #groups: GroupTable;
  readonly #rates: RequestRates;
  readonly #relative: RelativeEvidence;
  readonly #outcomes = new ReusedOutcomes();
  readonly neighbours: Neighbours | null;
  /** Null: requests are not tied together. */
  readonly #sessions: SessionTable | null;
  #tap: RouterTap | null = null;
  /** Null: no request came as a stage of a chain. */
  #aim: Aim | null = null;
  #askedBefore = 0;
  /** When a request was refused last. */
  #shedMs = Number.NEGATIVE_INFINITY;

  /** `makePolicy` is given the books that a policy may read. */
  constructor(options: ServiceRouterOptions, makePolicy: (context: PolicyContext) => Policy) {
    this.#options = options;
    this.service = options.service;
    this.qos = options.qos;
    this.policyName = options.policy.name;
    const instancesMax = options.instancesMax ?? INSTANCES_MAX_DEFAULT;
    this.#onEvent = options.onEvent ?? (() => {});
    this.#flights = new FlightTable(options.flightsMax ?? FLIGHTS_MAX_DEFAULT);
    const { requirements = NO_REQUIREMENTS } = options;
    const books = isMoreAsked(requirements) ? new RequirementBooks(requirements, options.qos) : null;
    this.#clients = new ClientLedger(options.qos.windowMs, options.clientsMax ?? CLIENTS_MAX_DEFAULT, (row) =>
      books?.clear(row + 1),
    );
    this.#groups = new GroupTable(options.clientsMax ?? CLIENTS_MAX_DEFAULT);
    this.#offers = books === null ? null : this.#offersBy(books);
    this.#rates = new RequestRates(options.nowMs);
    this.#relative = new RelativeEvidence(options.qos.latencyMs, options.nowMs);
    this.#sessions = options.sessionIdleMs ? new SessionTable(options.sessionIdleMs) : null;
    this.neighbours = options.neighbours === undefined ? null : this.#neighboursOf(options.neighbours, options);
    this.#makePolicy = (qos) =>
      makePolicy({
        qos,
        rng: options.rng,
        instancesMax,
        flights: this.#flights,
        groups: this.#groups,
        guidance: books,
        hearsay: this.neighbours,
        onEvent: this.#onEvent,
      });
    this.#policy = this.#makePolicy(options.qos);
    this.#members = new Membership({
      service: options.service,
      qos: options.qos,
      localNodeId: options.localNodeId,
      instancesMax,
      rttChangeRatio: options.rttChangeRatio ?? RTT_CHANGE_RATIO_DEFAULT,
      security: requirements.security,
      onEvent: this.#onEvent,
      onAdded: (handle) => {
        this.#flights.ensureHandles(handle + 1);
        this.#rates.begin(handle);
        this.#relative.begin(handle);
        books?.begin(handle);
        this.neighbours?.forget(handle);
      },
      onRemoved: (handle) => this.#flights.orphan(handle),
      onChange: (nowMs) => {
        books?.update(this.#set.live, this.#set.inPlay);
        this.#policy.update(this.#set.admitted, nowMs);
      },
    });
    this.#set = this.#members.set;
    // Load balancers that start together must not step together: each steps in a phase of its own.
    const phase = options.rng.next();
    this.nextTickMs = options.nowMs + (phase === 0 ? this.#policy.stepMs : phase * this.#policy.stepMs);
  }

  get candidates(): readonly Candidate[] {
    return this.#set.live;
  }

  // ---- a request: route, start, finish, recordRequest ----

  route(request: RequestInfo, nowMs: number): Candidate | null {
    if (nowMs >= this.#members.ejectionsEndMs) this.#members.endEjections(nowMs);
    const home = this.#sessions === null ? null : this.#homeOf(request, this.#sessions, nowMs);
    if (home !== null) {
      this.lastTier = 'policy';
      this.#offers?.stay(request, home, nowMs);
      return home;
    }
    const { inPlay } = this.#set;
    const offered = request.tried.length === 0 ? inPlay : this.#set.untried(request.tried);
    if (offered.length > 0) {
      const picked = this.#select(request, offered, nowMs);
      if (picked !== null || this.#policy.sheds !== true || request.tried.length > 0)
        return this.#orFallback(picked, offered);
      this.lastTier = 'shed';
      this.#shedMs = nowMs;
      this.#policy.refused?.();
      return null;
    }
    // Every instance was tried already: better one of them again than nothing.
    if (inPlay.length > 0) return this.#orFallback(this.#select(request, inPlay, nowMs), inPlay);
    this.lastTier = this.#set.live.length === 0 ? 'policy' : 'barred';
    return null;
  }

  #select(request: RequestInfo, candidates: readonly LiveCandidate[], nowMs: number): Candidate | null {
    const offers = this.#offers;
    if (offers === null || !offers.isSelective) return this.#policy.select(request, candidates, nowMs);
    return offers.select(request, candidates, nowMs);
  }

  /** What the policy picked, or what the fallback gives when it wants none. */
  #orFallback(picked: Candidate | null, offered: readonly LiveCandidate[]): Candidate | null {
    const ejected = picked === null ? firstToReturn(offered, this.#policy, this.qos.latencyMs) : null;
    if (offered[0]?.availability !== 'up') this.lastTier = 'last-resort';
    else if (picked !== null) this.lastTier = 'policy';
    else this.lastTier = ejected === null ? 'fallback' : 'ejected';
    return picked ?? ejected ?? bestOrNearest(offered, this.#policy);
  }

  /** The instance of the request's session, as long as it is trusted and not late; null: the policy decides. */
  #homeOf({ session = '', tried }: RequestInfo, sessions: SessionTable, nowMs: number): Candidate | null {
    if (session === '' || tried.length > 0) return null;
    const key = sessions.homeOf(session, nowMs);
    const home = key === null ? undefined : this.#set.get(key);
    if (home === undefined || !home.inPlay) return null;
    const trusted = this.#policy.isTrusted?.(home, nowMs) ?? true;
    return trusted && !isLate(this.#policy, home, this.qos, nowMs) ? home : null;
  }

  start(candidate: Candidate, nowMs: number, session = ''): Ticket {
    const live = this.#set.at(candidate.handle);
    this.#rates.countService(nowMs);
    if (session !== '') this.#sessions?.assign(session, candidate.key, nowMs);
    if (live !== candidate) return this.#flights.add(NO_HANDLE, nowMs);
    const ticket = this.#flights.add(live.handle, nowMs);
    live.requests++;
    this.#rates.countInstance(live.handle, nowMs);
    if (ticket === NO_FLIGHT) return ticket;
    this.#refreshFlights(live);
    this.#policy.observe(this.#outcomes.start(live, nowMs), nowMs);
    if (this.#tap !== null) this.#tap.started(ticket, live, this.#policy.view(live, nowMs).weight, nowMs);
    return ticket;
  }

  finish(ticket: Ticket, evidence: Evidence, latencyMs: number, nowMs: number): AttemptResult {
    const live = ticket === NO_FLIGHT ? undefined : this.#set.at(this.#flights.handleOf(ticket));
    if (live === undefined) {
      if (ticket !== NO_FLIGHT) this.#flights.remove(ticket);
      return resultAlone(evidence);
    }
    const startMs = this.#flights.startMs(ticket);
    const ahead = this.#flights.ahead(ticket);
    this.#flights.remove(ticket);
    this.#refreshFlights(live);
    const result = this.#relative.judge(live.handle, evidence, latencyMs, nowMs);
    if (result !== 'aborted') this.#offers?.books.reliability.observe(live.handle, result !== 'answered');
    const { chargedMs } = this.#relative;
    if (result !== 'aborted') this.neighbours?.observe(live, result === 'answered' ? chargedMs : null);
    if (result === 'answered') live.answeredMs = nowMs;
    else if (result !== 'aborted') live.failures++;
    // An answer bounds the round trip from above, where it is not measured.
    if (!live.rttKnown && result === 'answered' && latencyMs < live.rttMs) live.rttMs = latencyMs;
    const end = this.#outcomes.end(live, startMs, ahead);
    end.result = result;
    end.latencyMs = chargedMs;
    end.success = result === 'answered' && chargedMs <= (this.#aim?.latencyMs ?? this.qos.latencyMs);
    this.#policy.observe(end, nowMs);
    if (this.#tap !== null) this.#tap.finished(ticket, result, chargedMs);
    return result;
  }

  recordRequest(request: EndedRequest, nowMs: number): void {
    const { clientId, ending } = request;
    // `NO_ROW` of a client that is not distinguished is one below the first: it becomes the row of all together.
    const row = this.#clients.record(clientId, ending === 'success', nowMs);
    this.#offers?.books.record(row + 1, request, this.#groups.of(clientId), nowMs);
  }

  #refreshFlights(candidate: LiveCandidate): void {
    candidate.inFlight = this.#flights.count(candidate.handle);
    candidate.oldestStartMs = this.#flights.oldestStartMs(candidate.handle);
  }

  // ---- what else may come of one ----

  retractSuccess(candidate: Candidate, latencyMs: number, nowMs: number): void {
    const live = this.#set.at(candidate.handle);
    if (live === undefined || live !== candidate) return;
    live.failures++;
    this.#offers?.books.reliability.retract(live.handle);
    const end = this.#outcomes.end(live, nowMs - latencyMs, 0);
    end.result = 'failed';
    end.latencyMs = latencyMs;
    end.success = false;
    this.#policy.observe(end, nowMs);
  }

  streamBegan(candidate: Candidate): void {
    const live = this.#set.at(candidate.handle);
    if (live === candidate) live.streams++;
  }

  streamEnded(candidate: Candidate): void {
    const live = this.#set.at(candidate.handle);
    if (live === candidate && live.streams > 0) live.streams--;
  }

  setTap(tap: RouterTap | null): void {
    this.#tap = tap;
  }

  eject(candidate: Candidate, untilMs: number, nowMs: number): void {
    this.#members.eject(candidate, untilMs, nowMs);
  }

  recordVerdict(candidate: Candidate, row: VerdictRow, reason: Reason, nowMs: number): void {
    const live = this.#set.at(candidate.handle);
    if (live === undefined || live !== candidate) return;
    live.results ??= new InstanceResults();
    const { results, key } = live;
    const turn = results.record(row, reason, nowMs);
    if (turn === 'failing') this.#onEvent({ kind: 'instance-failing', key, reasons: results.reasons });
    else if (turn === 'well') this.#onEvent({ kind: 'instance-well', key });
  }

  retractRequest(clientId: string, recordedMs: number, nowMs: number): void {
    this.#clients.retract(clientId, recordedMs, nowMs);
    this.#offers?.books.fail(this.#offers.rowOf(clientId), nowMs);
  }

  observeGroup(clientId: string, group: number): void {
    this.#groups.observe(clientId, group);
  }

  // ---- the world around ----

  applyPlacement(update: PlacementUpdate, nowMs: number): void {
    this.#members.apply(update, nowMs);
  }

  observeRtt(nodeId: string, rttMs: number, nowMs: number): void {
    this.#members.observeRtt(nodeId, rttMs, nowMs);
  }

  setRttChangeRatio(ratio: number): void {
    this.#members.rtts.changeRatio = ratio;
  }

  aim(latencyMs: number): void {
    this.#aim ??= new Aim(this.qos.latencyMs);
    this.#aim.note(latencyMs);
  }

  tick(nowMs: number): void {
    if (nowMs < this.nextTickMs) return;
    // A policy that is replaced does not hand on how much it refused: under overload it stays.
    if (this.#aim !== null && nowMs - this.#shedMs > SHEDDING_MS) this.#takeAim(this.#aim, nowMs);
    this.#policy.tick(nowMs);
    this.#offers?.books.want(this.#policy);
    this.nextTickMs += this.#policy.stepMs;
    if (this.nextTickMs <= nowMs) this.nextTickMs = nowMs + this.#policy.stepMs;
  }

  // ---- for people, and for the next start ----

  preview(request: RequestInfo, nowMs: number): RoutePreview {
    const { inPlay } = this.#set;
    if (inPlay.length === 0) {
      return { candidate: null, tier: this.#set.live.length === 0 ? 'policy' : 'barred', byChance: false };
    }
    if (this.#policy.preview === undefined) return { candidate: null, tier: 'policy', byChance: true };
    const before = this.lastTier;
    const picked = this.#policy.preview(request, this.#offers?.preview(request, inPlay) ?? inPlay, nowMs);
    if (picked === null && this.#policy.sheds === true) return { candidate: null, tier: 'shed', byChance: false };
    const candidate = this.#orFallback(picked, inPlay);
    const tier = this.lastTier;
    this.lastTier = before;
    return { candidate, tier, byChance: false };
  }

  state(nowMs: number): RouterState {
    return routerState(this.#parts, nowMs);
  }

  instances(nowMs: number): readonly InstanceState[] {
    return instanceStates(this.#parts, nowMs);
  }

  density(key: InstanceKey, gridMs: readonly number[], nowMs: number): number[] | null {
    const candidate = this.#set.get(key);
    return candidate === undefined ? null : this.#policy.density(candidate, gridMs, nowMs);
  }

  answeredMs(key: InstanceKey): number {
    return this.#set.get(key)?.answeredMs ?? Number.NEGATIVE_INFINITY;
  }

  snapshot(nowMs: number): RouterSnapshot {
    return routerSnapshot(this.#parts, nowMs);
  }

  restore(snapshot: RouterSnapshot, ageMs: number, nowMs: number): void {
    restoreRouter(this.#parts, { snapshot, ageMs }, nowMs);
  }

  reset(nowMs: number): void {
    this.#clients.clear();
    this.#groups.clear();
    this.#sessions?.clear();
    this.#relative.reset();
    this.#offers?.books.reset();
    this.#policy.reset(nowMs);
    this.#policy.update(this.#set.admitted, nowMs);
  }

  get #parts(): RouterParts {
    return {
      options: this.#options,
      policy: this.#policy,
      members: this.#members,
      flights: this.#flights,
      clients: this.#clients,
      rates: this.#rates,
      offers: this.#offers,
      sessions: this.#sessions,
      neighbours: this.neighbours,
    };
  }

  #neighboursOf({ use, samplesMax }: NeighbourUse, { qos, nowMs }: ServiceRouterOptions): Neighbours {
    return new Neighbours({
      use,
      samplesMax,
      latencyMs: qos.latencyMs,
      nowMs,
      candidates: () => this.#set.live,
      handleOf: (key) => this.#set.get(key)?.handle,
      perSecond: (handle, atMs) => this.#rates.ofInstance(handle, atMs),
      onIgnored: (nodeId, key, untilMs) => this.#onEvent({ kind: 'neighbour-ignored', nodeId, key, untilMs }),
    });
  }

  #offersBy(books: RequirementBooks): Offers {
    return new Offers({
      books,
      clients: this.#clients,
      groups: this.#groups,
      picker: {
        pick: (request, offered, nowMs) => this.#policy.select(request, offered, nowMs),
        giveBack: (picked, offered) => this.#policy.giveBack?.(picked, offered),
        isLate: (candidate, nowMs) => isLate(this.#policy, candidate, this.qos, nowMs),
        isHopeless: (candidate, nowMs) => isHopeless(this.#policy, candidate, this.qos, nowMs),
      },
    });
  }

  /** A policy is made for one limit: with another one, the next takes over what it learned. */
  #takeAim(aim: Aim, nowMs: number): void {
    const asked = this.#rates.asked - this.#askedBefore;
    this.#askedBefore = this.#rates.asked;
    if (!aim.step(asked, nowMs)) return;
    const learned = this.#policy.snapshot(nowMs);
    // One that keeps nothing would begin from nothing.
    if (learned === null) return;
    this.#policy = this.#makePolicy({ ...this.qos, latencyMs: aim.latencyMs });
    this.#policy.update(this.#set.admitted, nowMs);
    this.#policy.restore(learned, 0, nowMs);
  }
}
