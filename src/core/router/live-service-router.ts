// The service router: keeps the books (which instances live, what is in flight, how clients fare), asks the policy where a
// request goes, and holds the line when the policy wants none.
//
// Long because: every book of one service changes in the same few steps of a request.

import { assert, assertNever } from '../assert.ts';
import {
  type AttemptResult,
  type Availability,
  type Candidate,
  type Evidence,
  type Instance,
  type InstanceKey,
  instanceKey,
  type PlacementUpdate,
  type QosTarget,
  type RequestInfo,
} from '../domain.ts';
import { isLate } from '../policies/lateness.ts';
import { NO_FLIGHT, type Policy, type PolicyContext } from '../policies/policy.ts';
import type {
  InstanceState,
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
import { CandidateSet } from './candidate-set.ts';
import { bestOrNearest, firstOutOfCooldown } from './fallback.ts';
import { FlightTable, NO_HANDLE } from './flight-table.ts';
import { GroupTable } from './group-table.ts';
import { InstanceResults } from './instance-results.ts';
import type { LiveCandidate } from './live-candidate.ts';
import { RelativeEvidence, resultAlone } from './relative-evidence.ts';
import { RequestRates } from './request-rates.ts';
import { ReusedOutcomes } from './reused-outcomes.ts';
import { RTT_CHANGE_RATIO_DEFAULT, RttTable } from './rtt-table.ts';
import { SessionTable } from './session-table.ts';

const INSTANCES_MAX_DEFAULT = 4096;
const CLIENTS_MAX_DEFAULT = 4096;
const FLIGHTS_MAX_DEFAULT = 262_144;

/** Clients that `state` lists, worst first. */
const CLIENTS_SHOWN_MAX = 100;

/** The router behind `createRouter`. */
export class LiveServiceRouter implements ServiceRouter {
  readonly service: string;
  readonly qos: QosTarget;
  readonly policyName: string;
  lastTier: RouteTier = 'policy';
  nextTickMs: number;

  readonly #options: ServiceRouterOptions;
  readonly #policy: Policy;
  readonly #instancesMax: number;
  readonly #onEvent: (event: RouterEvent) => void;

  readonly #set = new CandidateSet();
  readonly #flights: FlightTable;
  readonly #rtts: RttTable;
  readonly #clients: ClientLedger;
  readonly #groups: GroupTable;
  readonly #rates: RequestRates;
  readonly #relative: RelativeEvidence;
  readonly #outcomes = new ReusedOutcomes();
  /** Null: requests are not tied together. */
  readonly #sessions: SessionTable | null;
  /** When the first of those that rest is back; +Infinity when none rests. */
  #restsEndMs = Number.POSITIVE_INFINITY;
  #tap: RouterTap | null = null;

  /** `makePolicy` is given the books that a policy may read. */
  constructor(options: ServiceRouterOptions, makePolicy: (context: PolicyContext) => Policy) {
    this.#options = options;
    this.service = options.service;
    this.qos = options.qos;
    this.policyName = options.policy.name;
    this.#instancesMax = options.instancesMax ?? INSTANCES_MAX_DEFAULT;
    this.#onEvent = options.onEvent ?? (() => {});
    this.#flights = new FlightTable(options.flightsMax ?? FLIGHTS_MAX_DEFAULT);
    this.#rtts = new RttTable(options.rttChangeRatio ?? RTT_CHANGE_RATIO_DEFAULT);
    this.#clients = new ClientLedger(options.qos.windowMs, options.clientsMax ?? CLIENTS_MAX_DEFAULT);
    this.#groups = new GroupTable(options.clientsMax ?? CLIENTS_MAX_DEFAULT);
    this.#rates = new RequestRates(options.nowMs);
    this.#relative = new RelativeEvidence(options.qos.latencyMs, options.nowMs);
    this.#sessions = options.sessionIdleMs ? new SessionTable(options.sessionIdleMs) : null;
    this.#policy = makePolicy({
      qos: options.qos,
      rng: options.rng,
      instancesMax: this.#instancesMax,
      flights: this.#flights,
      groups: this.#groups,
      onEvent: this.#onEvent,
    });
    // Load balancers that start together must not step together: each steps in a phase of its own.
    const phase = options.rng.next();
    this.nextTickMs = options.nowMs + (phase === 0 ? this.#policy.stepMs : phase * this.#policy.stepMs);
  }

  get candidates(): readonly Candidate[] {
    return this.#set.live;
  }

  // ---- a request ----

  route(request: RequestInfo, nowMs: number): Candidate | null {
    if (nowMs >= this.#restsEndMs) this.#endRests(nowMs);
    const home = this.#sessions === null ? null : this.#homeOf(request, this.#sessions, nowMs);
    if (home !== null) {
      this.lastTier = 'policy';
      return home;
    }
    const { inPlay } = this.#set;
    const offered = request.tried.length === 0 ? inPlay : this.#set.untried(request.tried);
    if (offered.length > 0) {
      const picked = this.#policy.select(request, offered, nowMs);
      if (picked !== null || this.#policy.sheds !== true || request.tried.length > 0)
        return this.#settleOn(picked, offered);
      this.lastTier = 'shed';
      return null;
    }
    // Every instance was tried already: better one of them again than nothing.
    return inPlay.length === 0 ? null : this.#settleOn(this.#policy.select(request, inPlay, nowMs), inPlay);
  }

  preview(request: RequestInfo, nowMs: number): RoutePreview {
    const { inPlay } = this.#set;
    if (inPlay.length === 0) return { candidate: null, tier: 'policy', byChance: false };
    if (this.#policy.preview === undefined) return { candidate: null, tier: 'policy', byChance: true };
    const before = this.lastTier;
    const picked = this.#policy.preview(request, inPlay, nowMs);
    if (picked === null && this.#policy.sheds === true) return { candidate: null, tier: 'shed', byChance: false };
    const candidate = this.#settleOn(picked, inPlay);
    const tier = this.lastTier;
    this.lastTier = before;
    return { candidate, tier, byChance: false };
  }

  start(candidate: Candidate, nowMs: number, session = ''): Ticket {
    const live = this.#set.at(candidate.handle);
    this.#rates.countService(nowMs);
    if (session !== '') this.#sessions?.settle(session, candidate.key, nowMs);
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
    const { chargedMs } = this.#relative;
    if (result === 'answered') live.answeredMs = nowMs;
    else if (result !== 'aborted') live.failures++;
    // An answer bounds the round trip from above, where it is not measured.
    if (!live.rttKnown && result === 'answered' && latencyMs < live.rttMs) live.rttMs = latencyMs;
    const end = this.#outcomes.end(live, startMs, ahead);
    end.result = result;
    end.latencyMs = chargedMs;
    end.success = result === 'answered' && chargedMs <= this.qos.latencyMs;
    this.#policy.observe(end, nowMs);
    if (this.#tap !== null) this.#tap.finished(ticket, result, chargedMs);
    return result;
  }

  breakOff(candidate: Candidate, latencyMs: number, nowMs: number): void {
    const live = this.#set.at(candidate.handle);
    if (live === undefined || live !== candidate) return;
    live.failures++;
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

  rest(candidate: Candidate, untilMs: number, nowMs: number): void {
    const live = this.#set.at(candidate.handle);
    if (live === undefined || live !== candidate || untilMs <= live.restUntilMs) return;
    if (live.restUntilMs <= nowMs) {
      this.#onEvent({ kind: 'cooldown', key: live.key, untilMs, reason: 'it asked for a pause (Retry-After)' });
    }
    live.restUntilMs = untilMs;
    this.#restsEndMs = Math.min(this.#restsEndMs, untilMs);
    this.#refreshAvailability(live, nowMs);
  }

  note(candidate: Candidate, row: VerdictRow, reason: Reason, nowMs: number): void {
    const live = this.#set.at(candidate.handle);
    if (live === undefined || live !== candidate) return;
    live.results ??= new InstanceResults();
    const { results, key } = live;
    const turn = results.note(row, reason, nowMs);
    if (turn === 'failing') this.#onEvent({ kind: 'instance-failing', key, reasons: results.reasons });
    else if (turn === 'well') this.#onEvent({ kind: 'instance-well', key });
  }

  settle(clientId: string, success: boolean, nowMs: number): void {
    this.#clients.record(clientId, success, nowMs);
  }

  unsettle(clientId: string, settledMs: number, nowMs: number): void {
    this.#clients.retract(clientId, settledMs, nowMs);
  }

  observeGroup(clientId: string, group: number): void {
    this.#groups.observe(clientId, group);
  }

  // ---- the world around ----

  applyPlacement(update: PlacementUpdate, nowMs: number): void {
    switch (update.kind) {
      case 'instance-set':
        this.#setInstance(update.instance, nowMs);
        break;
      case 'instance-removed':
        this.#removeInstance(update.key, nowMs);
        break;
      case 'instance-availability':
        this.#setAvailability(update.key, update.availability, nowMs);
        break;
      default:
        assertNever(update);
    }
  }

  observeRtt(nodeId: string, rttMs: number, nowMs: number): void {
    if (!(rttMs >= 0) || rttMs === Number.POSITIVE_INFINITY) return;
    const step = this.#rtts.observe(nodeId, rttMs);
    let concerned = false;
    for (const candidate of this.#set.live) {
      if (candidate.instance.nodeId !== nodeId) continue;
      candidate.rttMs = rttMs;
      candidate.rttKnown = true;
      concerned = true;
    }
    if (!concerned || step === null) return;
    if (step.fromMs !== null) this.#onEvent({ kind: 'rtt-step', nodeId, fromMs: step.fromMs, toMs: rttMs });
    this.#policy.update(this.#set.live, nowMs);
  }

  setRttChangeRatio(ratio: number): void {
    this.#rtts.changeRatio = ratio;
  }

  tick(nowMs: number): void {
    if (nowMs < this.nextTickMs) return;
    this.#policy.tick(nowMs);
    this.nextTickMs += this.#policy.stepMs;
    if (this.nextTickMs <= nowMs) this.nextTickMs = nowMs + this.#policy.stepMs;
  }

  // ---- for people, and for the next start ----

  state(nowMs: number): RouterState {
    const successRatio = this.#clients.overallSuccessRatio(nowMs);
    const { groups = [], ...summary } = this.#policy.summary(nowMs);
    return {
      service: this.service,
      policy: this.policyName,
      qos: this.qos,
      successRatio: Number.isNaN(successRatio) ? null : successRatio,
      requestsPerSecond: this.#rates.ofService(nowMs),
      inFlight: this.#set.live.reduce((sum, { streams }) => sum + streams, this.#flights.total),
      clientsSatisfiedRatio: this.#clients.satisfiedRatio(this.qos.successRatio, nowMs),
      summary,
      groups,
      affinity: this.#sessions?.state(nowMs) ?? null,
      instances: this.#set.live.map((candidate) => this.#instanceState(candidate, nowMs)),
      clients: this.#clients.worst(CLIENTS_SHOWN_MAX, nowMs),
    };
  }

  density(key: InstanceKey, gridMs: readonly number[], nowMs: number): number[] | null {
    const candidate = this.#set.get(key);
    return candidate === undefined ? null : this.#policy.density(candidate, gridMs, nowMs);
  }

  answeredMs(key: InstanceKey): number {
    return this.#set.get(key)?.answeredMs ?? Number.NEGATIVE_INFINITY;
  }

  snapshot(nowMs: number): RouterSnapshot {
    return {
      version: 1,
      service: this.service,
      fingerprint: this.#fingerprint(),
      rtts: this.#rtts.snapshot(),
      policy: this.#policy.snapshot(nowMs),
      clients: this.#clients.snapshot(nowMs),
    };
  }

  restore(snapshot: RouterSnapshot, ageMs: number, nowMs: number): void {
    const fits =
      snapshot.version === 1 && snapshot.service === this.service && snapshot.fingerprint === this.#fingerprint();
    if (!fits || !(ageMs >= 0)) return;
    this.#rtts.restore(snapshot.rtts);
    for (const candidate of this.#set.live) this.#applyKnownRtt(candidate);
    this.#policy.update(this.#set.live, nowMs);
    this.#policy.restore(snapshot.policy, ageMs, nowMs);
    this.#clients.restore(snapshot.clients, ageMs, nowMs);
  }

  reset(nowMs: number): void {
    this.#clients.clear();
    this.#groups.clear();
    this.#sessions?.clear();
    this.#relative.reset();
    this.#policy.reset(nowMs);
    this.#policy.update(this.#set.live, nowMs);
  }

  // ---- routing ----

  /** What the policy picked, or what the fallback gives when it wants none. */
  #settleOn(picked: Candidate | null, offered: readonly LiveCandidate[]): Candidate | null {
    const sittingOut = picked === null ? firstOutOfCooldown(offered, this.#policy, this.qos.latencyMs) : null;
    if (offered[0]?.availability !== 'up') this.lastTier = 'last-resort';
    else if (picked !== null) this.lastTier = 'policy';
    else this.lastTier = sittingOut === null ? 'fallback' : 'cooldown';
    return picked ?? sittingOut ?? bestOrNearest(offered, this.#policy);
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

  #refreshFlights(candidate: LiveCandidate): void {
    candidate.inFlight = this.#flights.count(candidate.handle);
    candidate.oldestStartMs = this.#flights.oldestStartMs(candidate.handle);
  }

  // ---- placement ----

  #setInstance(instance: Instance, nowMs: number): void {
    assert(instance.service === this.service, `instance of ${instance.service} came to the router of ${this.service}`);
    const key = instanceKey(instance);
    const known = this.#set.get(key);
    if (known !== undefined && sameAddress(known.instance, instance)) {
      const isAssumedAnew = !known.rttKnown && known.instance.rttMs !== instance.rttMs;
      known.instance = instance;
      if (isAssumedAnew) known.rttMs = this.#assumedRttMs(known);
      this.#policy.update(this.#set.live, nowMs);
      return;
    }
    if (known !== undefined) this.#removeInstance(key, nowMs);
    if (this.#set.live.length < this.#instancesMax) this.#addInstance(key, instance, nowMs);
    else this.#onEvent({ kind: 'instance-refused', key });
  }

  #addInstance(key: InstanceKey, instance: Instance, nowMs: number): void {
    const local = instance.nodeId === this.#options.localNodeId;
    const rttMs = this.#assumedRttMs({ instance, local });
    const candidate = this.#set.add({ key, instance, local, rttMs });
    this.#applyKnownRtt(candidate);
    this.#flights.ensureHandles(candidate.handle + 1);
    this.#rates.begin(candidate.handle);
    this.#relative.begin(candidate.handle);
    this.#onEvent({ kind: 'instance-added', key });
    this.#policy.update(this.#set.live, nowMs);
  }

  #removeInstance(key: InstanceKey, nowMs: number): void {
    const candidate = this.#set.get(key);
    if (candidate === undefined) return;
    this.#set.remove(candidate);
    this.#flights.orphan(candidate.handle);
    this.#onEvent({ kind: 'instance-removed', key });
    this.#policy.update(this.#set.live, nowMs);
    // Only now that the policy has seen it leave may its handle mean somebody else.
    this.#set.release(candidate.handle);
  }

  #setAvailability(key: InstanceKey, availability: Availability, nowMs: number): void {
    const candidate = this.#set.get(key);
    if (candidate === undefined || candidate.placed === availability) return;
    candidate.placed = availability;
    this.#onEvent({ kind: 'instance-availability', key, availability });
    this.#refreshAvailability(candidate, nowMs);
  }

  /** One that rests is what a suspect one is to the policy: for when nothing better is left. */
  #refreshAvailability(candidate: LiveCandidate, nowMs: number): void {
    const { placed, restUntilMs } = candidate;
    const availability = placed === 'up' && restUntilMs > nowMs ? 'suspect' : placed;
    if (candidate.availability === availability) return;
    this.#set.setAvailability(candidate, availability);
    this.#policy.update(this.#set.live, nowMs);
  }

  #endRests(nowMs: number): void {
    this.#restsEndMs = Number.POSITIVE_INFINITY;
    for (const candidate of this.#set.live) {
      this.#refreshAvailability(candidate, nowMs);
      if (candidate.restUntilMs > nowMs) this.#restsEndMs = Math.min(this.#restsEndMs, candidate.restUntilMs);
    }
  }

  #assumedRttMs({ instance, local }: Pick<LiveCandidate, 'instance' | 'local'>): number {
    return instance.rttMs ?? this.#rtts.assumedMs(local, this.qos.latencyMs);
  }

  #applyKnownRtt(candidate: LiveCandidate): void {
    const rttMs = this.#rtts.get(candidate.instance.nodeId);
    if (rttMs === undefined) return;
    candidate.rttMs = rttMs;
    candidate.rttKnown = true;
  }

  // ---- pictures ----

  #instanceState(candidate: LiveCandidate, nowMs: number): InstanceState {
    const view = this.#policy.view(candidate, nowMs);
    const restMs = candidate.restUntilMs - nowMs;
    return {
      ...view,
      ...(restMs > 0 ? { pool: 'out', cooldownMs: restMs, note: 'it asked for a pause (Retry-After)' } : {}),
      // A round trip that was measured longer than this answer took is no reason to say that it took less than nothing.
      processingMs: view.processingMs === null ? null : Math.max(0, view.processingMs),
      key: candidate.key,
      instance: candidate.instance,
      local: candidate.local,
      availability: candidate.placed,
      rttMs: candidate.rttMs,
      rttKnown: candidate.rttKnown,
      inFlight: candidate.inFlight + candidate.streams,
      requestsPerSecond: this.#rates.ofInstance(candidate.handle, nowMs),
      requests: candidate.requests,
      failures: candidate.failures,
      answeredAgeMs: Number.isFinite(candidate.answeredMs) ? Math.max(0, nowMs - candidate.answeredMs) : null,
      failing: candidate.results?.failing ?? false,
      reasons: candidate.results?.reasons ?? [],
      results: candidate.results?.counts ?? {},
    };
  }

  #fingerprint(): string {
    const { latencyMs, successRatio, windowMs } = this.qos;
    const options = Object.entries(this.#options.policy.options).sort(([a], [b]) => (a < b ? -1 : 1));
    const { prefer = [] } = this.#options;
    const groups = prefer.length === 0 ? [] : [prefer];
    return JSON.stringify([this.service, latencyMs, successRatio, windowMs, this.policyName, options, ...groups]);
  }
}

function sameAddress(a: Instance, b: Instance): boolean {
  return a.scheme === b.scheme && a.host === b.host && a.port === b.port;
}
