// What a service asks for beside the latency goal, in one place for its router: the account of each client, the quotas by which a
// request is offered to instances, and what the policy is to steer by. Row 0 is all clients together, and the quota of those that are
// not distinguished.

import { type Candidate, type EndedRequest, GROUPS_MAX, type QosTarget } from '../domain.ts';
import { Accounts, ALL } from './accounts.ts';
import { FadingRatio } from './fading-ratio.ts';
import { FitTable } from './fit-table.ts';
import { MeanLatency } from './mean-latency.ts';
import { Price } from './price.ts';
import { Quotas } from './quotas.ts';
import { Reliability } from './reliability.ts';
import type { Requirements } from './requirements.ts';
import { slackOf } from './slack.ts';
import { UsualGroup } from './usual-group.ts';
import { Yielding } from './yielding.ts';

const STEP_MS = 500;
/** After a longer pause nothing is made up for. */
const STEP_MS_MAX = 2000;

/** What one router keeps for the requirements of its service: who got what, what is owed, which instances fit. */
export class RequirementBooks {
  readonly asked: Requirements;
  readonly accounts: Accounts;
  readonly quotas: Quotas;
  readonly fits: FitTable;
  readonly yielding: Yielding;
  /** Of each instance. */
  readonly reliability = new Reliability();
  readonly latency: MeanLatency;
  readonly prices = { reliability: new Price(), meanLatency: new Price() };
  /** Success over about the window. */
  readonly success: FadingRatio;
  readonly #successRatio: number;
  readonly #usualGroup = new UsualGroup();
  /** How far the requirements are met with room, 0 to 1: what the objective may spend. */
  slack = 0;
  #steppedMs = Number.NaN;
  readonly #ended = { failed: false, latencyMs: 0, fits: 0 };
  /** Reused by `offer`. */
  readonly #quick: Candidate[] = [];
  /** Those in play, and which of them a request is offered, by the shares that it is due to and its group: made once a change. */
  #inPlay: readonly Candidate[] = [];
  readonly #collected: (readonly Candidate[] | undefined)[] = [];

  constructor(asked: Requirements, { successRatio, windowMs }: QosTarget) {
    this.asked = asked;
    this.#successRatio = successRatio;
    this.accounts = new Accounts(asked, windowMs);
    this.latency = new MeanLatency(asked.meanLatencyMs);
    this.quotas = new Quotas(windowMs, asked.shares.length);
    this.fits = new FitTable(asked.shares, asked.objective);
    this.yielding = new Yielding(asked.shares, successRatio);
    this.success = new FadingRatio(windowMs / 2);
  }

  /** The instances are other than they were. `inPlay`: one array for as long as the router is there. */
  update(live: readonly Candidate[], inPlay: readonly Candidate[]): void {
    for (const candidate of live) this.fits.set(candidate);
    this.#inPlay = inPlay;
    this.#collected.length = 0;
  }

  /** Some requests are for some instances. */
  get isSelective(): boolean {
    return this.asked.shares.length > 0 || this.asked.meanLatencyMs !== null;
  }

  /** An instance took the handle. */
  begin(handle: number): void {
    this.reliability.begin(handle);
    this.latency.begin(handle);
  }

  // ---- a request on its way ----

  /** A request of the client came. */
  arrive(row: number, nowMs: number): void {
    this.quotas.ensureRows(row + 1);
    this.quotas.earn(row, this.yielding.shares, nowMs);
  }

  /** Of `candidates`, those that the next request of the client is due to; all where none in particular is. */
  offer<C extends Candidate>(row: number, candidates: readonly C[], group: number): readonly C[] {
    let due = 0;
    for (let k = 0; k < this.asked.shares.length; k++) if (this.quotas.isDue(row, k)) due |= 1 << k;
    const within = this.#within(row, candidates);
    return due === 0 ? within : this.#fitting(within, due, group);
  }

  /** What `arrive` and `offer` would offer, changing nothing. Cold path. */
  preview<C extends Candidate>(row: number, candidates: readonly C[], group: number): readonly C[] {
    let due = 0;
    for (const [k, held] of this.yielding.shares.entries()) if (this.quotas.willBeDue(row, k, held)) due |= 1 << k;
    const within = this.#within(row, candidates);
    return due === 0 ? [...within] : this.#fitting(within, due, group);
  }

  /** The request goes to this instance. */
  choose(row: number, handle: number, group: number): void {
    this.quotas.pay(row, this.fits.bits(handle, group), 1);
  }

  /** It does not go to this instance after all. */
  giveBack(row: number, handle: number, group: number): void {
    this.quotas.pay(row, this.fits.bits(handle, group), -1);
  }

  /** The quick ones for a client above its mean latency, which goes before the shares; all where none is quick. */
  #within<C extends Candidate>(row: number, candidates: readonly C[]): readonly C[] {
    if (!this.latency.isHigh(row)) return candidates;
    const quick = this.#quick as C[];
    quick.length = 0;
    for (const candidate of candidates) if (this.latency.isQuick(candidate.handle)) quick.push(candidate);
    return quick.length === 0 ? candidates : quick;
  }

  /** Those that serve as many of the due shares as any does, the first ones before the later. */
  #fitting<C extends Candidate>(candidates: readonly C[], due: number, group: number): readonly C[] {
    if (candidates !== this.#inPlay) return this.#collect(candidates, due, group);
    const at = due * GROUPS_MAX + group;
    const known = this.#collected[at];
    if (known !== undefined) return known as readonly C[];
    const collected = this.#collect(candidates, due, group);
    this.#collected[at] = collected;
    return collected;
  }

  #collect<C extends Candidate>(candidates: readonly C[], due: number, group: number): readonly C[] {
    let wanted = 0;
    for (let k = 0; k < this.asked.shares.length; k++) {
      const more = wanted | (due & (1 << k));
      if (more !== wanted && this.#someFit(candidates, more, group)) wanted = more;
    }
    if (wanted === 0) return candidates;
    return candidates.filter(({ handle }) => (this.fits.bits(handle, group) & wanted) === wanted);
  }

  #someFit(candidates: readonly Candidate[], wanted: number, group: number): boolean {
    for (const { handle } of candidates) if ((this.fits.bits(handle, group) & wanted) === wanted) return true;
    return false;
  }

  // ---- a request that ended ----

  record(row: number, request: EndedRequest, group: number, nowMs: number): void {
    const { ending, latencyMs, handle } = request;
    const fits = this.fits.bits(handle, group);
    const success = ending === 'success';
    this.#ended.failed = ending === 'failed';
    this.#ended.latencyMs = latencyMs;
    this.#ended.fits = fits;
    this.accounts.record(ALL, this.#ended, nowMs);
    if (row !== ALL) this.accounts.record(row, this.#ended, nowMs);
    if (ending !== 'failed') this.latency.record(row, handle, latencyMs);
    this.yielding.record(success, fits);
    this.success.add(success);
    this.#usualGroup.record(group);
    if (!(nowMs - this.#steppedMs < STEP_MS)) this.#step(nowMs);
  }

  /** An answer turned out to be none. */
  fail(row: number, nowMs: number): void {
    this.accounts.fail(ALL, nowMs);
    if (row !== ALL) this.accounts.fail(row, nowMs);
  }

  /** The client of the row is forgotten. */
  clear(row: number): void {
    this.accounts.clear(row);
    this.latency.clear(row);
    this.quotas.clear(row);
  }

  // ---- for the policy ----

  get heldShares(): Float64Array {
    return this.yielding.shares;
  }

  get reliabilityPrice(): number {
    return this.prices.reliability.value;
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
    const { meanLatencyMs, reliabilityRatio, objective } = this.asked;
    const levels = this.accounts.levels(ALL, nowMs);
    const strainOf = (name: string): number => levels.find(({ requirement }) => requirement === name)?.strain ?? 0;
    if (meanLatencyMs !== null) this.prices.meanLatency.step(strainOf('mean-latency'), seconds);
    if (reliabilityRatio !== null) this.prices.reliability.step(strainOf('reliability'), seconds);
    this.yielding.step(seconds);
    this.success.fade(seconds * 1000);
    if (objective === null) return;
    // Shares are kept by quotas.
    const isShare = (name: string): boolean => this.asked.shares.some((share) => share.name === name);
    const strain = Math.max(0, ...levels.map((level) => (isShare(level.requirement) ? 0 : level.strain)));
    const room = { successRatio: this.#successRatio, keepRatio: objective.keepRatio };
    this.slack = this.yielding.isHeldBack ? 0 : slackOf({ success: this.success.ratio, strain }, room);
  }

  reset(): void {
    this.yielding.clear();
    this.success.clear();
    this.prices.reliability.set(0);
    this.prices.meanLatency.set(0);
    this.slack = 0;
  }
}
