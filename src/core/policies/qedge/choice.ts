// Which instance a request gets: whose turn it is, the weights say, and the turn passes to where the request costs less just now
// (turns.ts). While requests are refused, what has no room takes none; where nothing has, the request is refused.

import type { Candidate, RequestInfo } from '../../domain.ts';
import { Swrr } from '../../stats/swrr.ts';
import type { ActiveSet } from './active-set.ts';
import type { Estimates } from './estimates.ts';
import type { Moment } from './moment.ts';
import type { RequirementSteering } from './requirement-steering.ts';
import type { Shedding } from './shedding.ts';
import { Turns } from './turns.ts';
import type { UnloadedLatency } from './unloaded-latency.ts';

/** While requests are refused, an instance below this success takes its own turns alone, where no other is open. */
const SUCCESS_HOPELESS = 0.5;

/** What a choice is made by; read again for each request. */
export interface ChoiceParts {
  readonly activeSet: ActiveSet;
  readonly estimates: Estimates;
  readonly unloaded: UnloadedLatency;
  readonly moment: Moment;
  /** Null where nothing is ever refused. */
  readonly shedding: Shedding | null;
  /** Null where there is nothing to spend on an objective. */
  readonly spending: RequirementSteering | null;
}

export class Choice {
  readonly swrr = new Swrr();
  readonly turns: Turns;
  readonly #parts: ChoiceParts;
  readonly #defers: boolean;
  /** The instance whose turn the last request was, wherever it went; null before the first and after a quick retry. */
  #turn: Candidate | null = null;
  /** Whether some instance has a limit, read once per request since every candidate asks for it. */
  #refuses = false;
  /** Whether the turn was handed on, so that the instance that took it owes it. */
  #isOwed = false;
  /** Whether a preview runs, which changes no counter. */
  #previewing = false;

  /** `latencyMs` is τ. `defers` says whether a turn may pass to another instance. */
  constructor(latencyMs: number, defers: boolean, parts: ChoiceParts) {
    this.turns = new Turns(latencyMs);
    this.#parts = parts;
    this.#defers = defers;
  }

  /** Returns the instance for a request's first attempt; null when none has room. */
  first(candidates: readonly Candidate[], nowMs: number): Candidate | null {
    const turn = this.swrr.pick(candidates, this.#parts.activeSet.weights);
    this.#turn = turn;
    if (turn === null || !this.#defers) return turn;
    this.#refuses = this.#parts.shedding?.limits === true;
    const taken = this.#cheapest(turn, candidates, nowMs);
    if (this.#refuses && !this.#hasRoom(taken, nowMs) && !this.#isSilent(candidates, nowMs)) return null;
    // An instance that is passed over after an error is owed nothing: it would come back to a row of turns.
    if (this.#previewing) return taken;
    // A request that goes elsewhere for want of room says nothing of shares.
    if (!this.#refuses) this.turns.requests++;
    this.#isOwed = taken !== turn && !this.#parts.moment.hasErred(turn, nowMs);
    if (this.#isOwed) this.turns.hand(turn.handle, taken.handle);
    return taken;
  }

  /** A retry has no time to lose: the quickest active one that is not late and still fits, else by weight. */
  retry({ budgetMs }: RequestInfo, candidates: readonly Candidate[], nowMs: number): Candidate | null {
    this.#turn = null;
    const quickest = this.#quickest(candidates, budgetMs, nowMs);
    if (quickest !== null) return quickest;
    this.#turn = this.swrr.pick(candidates, this.#parts.activeSet.weights);
    return this.#turn;
  }

  /** Undoes the last choice, which was not taken. */
  giveBack(picked: Candidate, candidates: readonly Candidate[]): void {
    const turn = this.#turn;
    if (turn === null) return;
    this.swrr.giveBack(turn, candidates, this.#parts.activeSet.weights);
    if (picked !== turn && this.#isOwed) this.turns.hand(picked.handle, turn.handle);
  }

  /** Returns what `select` returns, and changes nothing. */
  preview(select: () => Candidate | null): Candidate | null {
    this.#previewing = true;
    const selected = this.swrr.undone(select);
    this.#previewing = false;
    return selected;
  }

  ensureHandles(handles: number): void {
    this.swrr.ensureHandles(handles);
    this.turns.ensureHandles(handles);
  }

  forget(handle: number): void {
    this.swrr.setCredit(handle, 0);
    this.turns.forget(handle);
  }

  /** Whether nothing comes back from any: a request that would be refused then asks whether anything does. */
  #isSilent(candidates: readonly Candidate[], nowMs: number): boolean {
    for (const candidate of candidates) if (!this.#parts.moment.isSilent(candidate, nowMs)) return false;
    return true;
  }

  /** Whether, while requests are refused, it has no room, or so little hope that a refusal is better. */
  #isClosed(candidate: Candidate, nowMs: number): boolean {
    return this.#refuses && (this.#isHopeless(candidate, nowMs) || !this.#hasRoom(candidate, nowMs));
  }

  /** Whether it seldom succeeds. The last answer is newer than the memory, and a probe now and then is newer still. */
  #isHopeless(candidate: Candidate, nowMs: number): boolean {
    const { handle } = candidate;
    const { estimates, shedding } = this.#parts;
    if (!((estimates.success[handle] as number) < SUCCESS_HOPELESS)) return false;
    return shedding?.isQuick(candidate) !== true && shedding?.mayProbe(handle, nowMs) !== true;
  }

  /** Whether the request fits: by the limit, which holds on the average, and by the own queue or the last answer. */
  #hasRoom(candidate: Candidate, nowMs: number): boolean {
    const { shedding, moment } = this.#parts;
    if (shedding?.hasRoom(candidate.handle, nowMs) === false) return false;
    return shedding?.isQuick(candidate) === true || !moment.isFull(candidate, nowMs);
  }

  /**
   * The one where the request costs least, turns owed counted in. What was not heard of for long has no cost: it takes its own turns, and
   * what would be late at all others.
   */
  #cheapest(turn: Candidate, candidates: readonly Candidate[], nowMs: number): Candidate {
    const { turns } = this;
    let cheapest = turn;
    let leastMs = Number.POSITIVE_INFINITY;
    let unknown: Candidate | null = null;
    // The instance whose turn it is comes first. One loop has one call of #costMs, which is inlined there.
    for (let i = -1; i < candidates.length; i++) {
      const candidate = i < 0 ? turn : (candidates[i] as Candidate);
      if (candidate === turn && i >= 0) continue;
      const costMs = this.#costMs(candidate, nowMs) - turns.owedMs(candidate.handle);
      if (i < 0) {
        if (Number.isNaN(costMs)) return turn;
        leastMs = costMs - turns.priceMs;
      } else if (costMs < leastMs) {
        cheapest = candidate;
        leastMs = costMs;
      } else if (Number.isNaN(costMs) && (unknown === null || candidate.rttMs < unknown.rttMs)) unknown = candidate;
    }
    if (unknown === null) return cheapest;
    return leastMs === Number.POSITIVE_INFINITY || this.#parts.moment.isLate(cheapest, nowMs) ? unknown : cheapest;
  }

  /** Returns what one more request there costs now, ms, with the objective's expense; NaN when unknown. */
  #costMs(candidate: Candidate, nowMs: number): number {
    if (this.#isClosed(candidate, nowMs)) return Number.POSITIVE_INFINITY;
    const { moment, spending } = this.#parts;
    const costMs = moment.costMs(candidate, nowMs);
    return spending === null ? costMs : costMs + spending.expenseMs(candidate.handle);
  }

  /** Returns the active one with the least ℓⁿ + G, not late and within `budgetMs`; null when there is none. */
  #quickest(candidates: readonly Candidate[], budgetMs: number, nowMs: number): Candidate | null {
    const { activeSet, moment, estimates, unloaded } = this.#parts;
    let quickest: Candidate | null = null;
    let leastMs = budgetMs;
    for (const candidate of candidates) {
      if ((activeSet.weights[candidate.handle] as number) <= 0 || moment.isLate(candidate, nowMs)) continue;
      const processingMs = estimates.processingMs[candidate.handle] as number;
      const expectedMs = candidate.rttMs + (Number.isNaN(processingMs) ? unloaded.ms : processingMs);
      if (expectedMs <= leastMs) {
        quickest = candidate;
        leastMs = expectedMs;
      }
    }
    return quickest;
  }
}
