// What a service asks for beside the latency goal, in one place for its router: the account of each client, the quotas by which a
// request is offered to instances, and what the policy is to steer by. Row 0 is all clients together, and the quota of those that are
// not distinguished.

import type { Candidate, EndedRequest, QosTarget } from '../domain.ts';
import { Accounts, ALL, IS_FAILED, IS_OWN } from './accounts.ts';
import { FadingRatio } from './fading-ratio.ts';
import { FitTable } from './fit-table.ts';
import type { RequirementLevel } from './level.ts';
import { MeanLatency } from './mean-latency.ts';
import { PressedClients } from './pressed-clients.ts';
import { Price } from './price.ts';
import { type Earnings, Quotas } from './quotas.ts';
import { Reliability } from './reliability.ts';
import { type Objective, type Requirements, SHARES_MAX } from './requirements.ts';
import { Selections, selectionOf } from './selections.ts';
import { slackOf } from './slack.ts';
import { UsualGroup } from './usual-group.ts';
import { Yielding } from './yielding.ts';

const STEP_MS = 500;
/** The longest time that one step stands for; after a longer pause nothing is made up for. */
const STEP_MS_MAX = 2000;
/** The share of the room above ρ that is ample when it is left. */
const AMPLE = 0.8;
/** How fast the objective takes back what it gave. */
const SLACK_PER_SECOND = 0.1;
/** How long the objective has to have given all before a share yields: the weights follow it no sooner. */
const GIVE_WAY_MS = 3000;

interface Step {
  readonly levels: readonly RequirementLevel[];
  /** Time since the last step. */
  readonly seconds: number;
  readonly nowMs: number;
}

/** What one router keeps for the requirements of its service: which client got what, what is owed, which instances fit. */
export class RequirementBooks {
  readonly asked: Requirements;
  readonly accounts: Accounts;
  readonly quotas: Quotas;
  readonly fits: FitTable;
  readonly yielding: Yielding;
  /** How reliable each instance is. */
  readonly reliability = new Reliability();
  readonly latency: MeanLatency;
  readonly prices = { reliability: new Price(), availability: new Price(), meanLatency: new Price() };
  /** Success over about the window. */
  readonly success: FadingRatio;
  readonly #successRatio: number;
  /** Null where there is no objective to spend on. */
  readonly #pressed: PressedClients | null;
  /** τ. */
  readonly latencyMs: number;
  readonly #usualGroup = new UsualGroup();
  /** How far the requirements are met with room, 0 to 1: what the objective may spend. */
  slack = 0;
  /** How little a long queue is a reason to go past a quota: 0 where success is short, 1 where it is ample. */
  patience = 0;
  /** How long the objective has spent nothing, ms. */
  #idleMs = GIVE_WAY_MS;
  #steppedMs = Number.NaN;
  /** The instances that take requests. */
  #active: readonly Candidate[] = [];
  /** The number of rows that there is room for. */
  #rows = 0;
  /** Requests since the last step, missed and in time, indexed by the shares that their instances serve. */
  readonly #since = new Float64Array(2 << SHARES_MAX);
  readonly #selections: Selections;
  readonly #earnings: Earnings;
  readonly #ampleRatio: number;

  constructor(asked: Requirements, qos: QosTarget) {
    const { successRatio, windowMs } = qos;
    this.asked = asked;
    this.#successRatio = successRatio;
    this.latencyMs = qos.latencyMs;
    const keptRatio = successRatio + (asked.objective?.keepRatio ?? 0);
    this.#pressed = asked.objective === null ? null : new PressedClients(windowMs, Math.min(1, keptRatio));
    this.accounts = new Accounts(asked, windowMs);
    this.latency = new MeanLatency(asked.meanLatencyMs);
    this.quotas = new Quotas(windowMs, asked.shares.length);
    this.fits = new FitTable(asked.shares, asked.objective);
    this.#selections = new Selections(this.fits, this.latency, asked.shares.length);
    this.yielding = new Yielding(asked.shares, qos);
    this.#earnings = { held: this.yielding.shares, wanted: new Float64Array(asked.shares.length).fill(Number.NaN) };
    this.#ampleRatio = successRatio + AMPLE * (1 - successRatio);
    this.success = new FadingRatio(windowMs / 2);
  }

  /** Takes in that the instances changed. `active` is the same array for the router's whole life. */
  update(live: readonly Candidate[], active: readonly Candidate[]): void {
    for (const candidate of live) this.fits.set(candidate);
    this.#active = active;
    this.#selections.update(active);
    this.latency.step(active);
  }

  /** Whether some requests are for some instances only. */
  get isSelective(): boolean {
    return this.asked.shares.length > 0 || this.asked.meanLatencyMs !== null;
  }

  /** Begins a new instance at the handle. */
  begin(handle: number): void {
    this.reliability.begin(handle);
    this.latency.begin(handle);
  }

  // ---- a request on its way ----

  /** Takes in a request of the client; returns what it is due to, for `offer`. */
  arrive(row: number, group: number, nowMs: number): number {
    return selectionOf(this.quotas.earn(row, this.#earnings, nowMs), group);
  }

  /** Takes back that the request went to this instance; returns what it is due to, for `offer`. */
  comeBack(row: number, group: number, handle: number): number {
    this.quotas.pay(row, this.fits.bits(handle, group), -1);
    return selectionOf(this.quotas.due(row), group);
  }

  /**
   * Those of `candidates` that a request of the client is offered that is due to this, in their order; all where it is due to none. Valid until
   * the next call.
   */
  offer<C extends Candidate>(row: number, candidates: readonly C[], selection: number): readonly C[] {
    const allowanceMs = this.accounts.allowanceMs(row);
    if (this.latency.isHigh(row, allowanceMs)) return this.#selections.quickOf(candidates, selection, allowanceMs);
    return this.#selections.of(candidates, selection);
  }

  /** Returns what `arrive` and `offer` would offer, and changes nothing. Cold path. */
  preview<C extends Candidate>(row: number, candidates: readonly C[], group: number): readonly C[] {
    const due = this.quotas.willBeDue(row, this.#earnings);
    return [...this.offer(row, candidates, selectionOf(due, group))];
  }

  /** Notes that the request goes to this instance. */
  choose(row: number, handle: number, group: number): void {
    this.quotas.pay(row, this.fits.bits(handle, group));
  }

  // ---- a request that ended ----

  record(row: number, request: EndedRequest, group: number, nowMs: number): void {
    const { ending, handle } = request;
    const isGood = ending === 'success';
    const fits = this.fits.bits(handle, group);
    let how = fits;
    if (ending === 'failed') how |= IS_FAILED;
    if (!isGood && this.#isOwn(request)) how |= IS_OWN;
    if (row >= this.#rows) this.#growRows(row + 1);
    this.accounts.record(row, request, how, nowMs);
    if (ending !== 'failed') this.latency.record(row, request);
    if ((how & IS_OWN) === 0) (this.#since[2 * fits + (isGood ? 1 : 0)] as number)++;
    this.#pressed?.record(row, isGood, nowMs);
    this.#usualGroup.record(group);
    if (!(nowMs - this.#steppedMs < STEP_MS)) this.#step(nowMs);
  }

  /** Whether it missed its own limit only, which says nothing of what comes within the limit of the service. */
  #isOwn({ latencyMs, limitMs = this.latencyMs }: EndedRequest): boolean {
    return latencyMs >= limitMs && latencyMs < this.latencyMs;
  }

  /** Counts an answer as failed after all. */
  fail(row: number, nowMs: number): void {
    this.accounts.fail(ALL, nowMs);
    if (row !== ALL) this.accounts.fail(row, nowMs);
  }

  /** Forgets the client of the row. */
  clear(row: number): void {
    this.accounts.clear(row);
    this.latency.clear(row);
    this.#pressed?.clear(row);
    this.quotas.clear(row);
  }

  #growRows(rows: number): void {
    this.#rows = rows;
    this.accounts.ensureRows(rows);
    this.latency.ensureRows(rows);
    this.#pressed?.ensureRows(rows);
  }

  // ---- for the policy ----

  /**
   * What the policy wants the shares to be, as of its last step. While one yields, its weights say nothing: they were held up by it, and
   * come down more slowly.
   */
  want(policy: { wantedShare?(k: number): number }): void {
    const { wanted } = this.#earnings;
    const yields = this.yielding.isHeldBack;
    for (let k = 0; k < wanted.length; k++) wanted[k] = yields ? Number.NaN : (policy.wantedShare?.(k) ?? Number.NaN);
    this.#selections.setExact(wanted.length > 0 && !Number.isNaN(wanted[0]));
  }

  get heldShares(): Float64Array {
    return this.yielding.shares;
  }

  get failurePrice(): number {
    return this.prices.reliability.value + this.prices.availability.value;
  }

  get meanLatencyPrice(): number {
    return this.prices.meanLatency.value;
  }

  /** Whether the instance serves share `k`, for requests as they usually are. */
  serves(handle: number, k: number): boolean {
    return (this.fits.bits(handle, this.#usualGroup.group) & (1 << k)) !== 0;
  }

  /** What a request as they usually are costs there, in the unit of the objective; NaN where it is not known. */
  expense(handle: number): number {
    return this.fits.expense(handle, this.#usualGroup.group);
  }

  #step(nowMs: number): void {
    const seconds = Math.min(STEP_MS_MAX, Number.isNaN(this.#steppedMs) ? STEP_MS : nowMs - this.#steppedMs) / 1000;
    this.#steppedMs = nowMs;
    const { meanLatencyMs, reliabilityRatio, availability, objective } = this.asked;
    const levels = this.accounts.levels(ALL, nowMs);
    const strainOf = (name: string): number => levels.find(({ requirement }) => requirement === name)?.strain ?? 0;
    if (meanLatencyMs !== null) this.prices.meanLatency.step(strainOf('mean-latency'), seconds);
    if (reliabilityRatio !== null) this.prices.reliability.step(strainOf('reliability'), seconds);
    if (availability !== null) this.prices.availability.step(strainOf('availability'), seconds);
    this.latency.step(this.#active);
    this.#settle();
    const { success, shortOf } = this.yielding;
    // NaN before the first request.
    this.patience = Math.max(0, Math.min(1, (success - shortOf) / (this.#ampleRatio - shortOf))) || 0;
    this.yielding.step(seconds, this.#idleMs >= GIVE_WAY_MS);
    this.success.fade(seconds * 1000);
    if (objective !== null) this.#spend(objective, { levels, seconds, nowMs });
  }

  /** Sets what the objective may spend: it gives way at once, and takes back slowly. */
  #spend({ keepRatio }: Objective, { levels, seconds, nowMs }: Step): void {
    // Shares are kept by quotas.
    const isShare = (name: string): boolean => this.asked.shares.some((share) => share.name === name);
    const strain = Math.max(0, ...levels.map((level) => (isShare(level.requirement) ? 0 : level.strain)));
    const room = { successRatio: this.#successRatio, keepRatio };
    const success = Math.min(this.success.ratio, this.yielding.success);
    const spared = this.#pressed?.spared(nowMs) ?? 1;
    const slack = this.yielding.isHeldBack ? 0 : spared * slackOf({ success, strain }, room);
    this.slack = Math.min(slack, this.slack + SLACK_PER_SECOND * seconds);
    this.#idleMs = this.slack > 0 ? 0 : this.#idleMs + 1000 * seconds;
  }

  /** Passes on what ended since the last step to the parts that look at it step by step. */
  #settle(): void {
    const since = this.#since;
    for (let bits = 0; bits < since.length / 2; bits++) {
      const good = since[2 * bits + 1] as number;
      const total = (since[2 * bits] as number) + good;
      if (total === 0) continue;
      this.yielding.record(bits, total, good);
      this.success.add(total, good);
    }
    since.fill(0);
  }

  reset(): void {
    this.clear(ALL);
    this.latency.reset();
    this.reliability.reset();
    this.#since.fill(0);
    this.yielding.clear();
    this.success.clear();
    this.#pressed?.reset();
    this.prices.reliability.set(0);
    this.prices.availability.set(0);
    this.prices.meanLatency.set(0);
    this.slack = 0;
    this.patience = 0;
    this.#idleMs = GIVE_WAY_MS;
  }
}
