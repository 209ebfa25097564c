// What moves the weights beside success and congestion: measured requirements by their prices, the objective by what slack there is, and
// attribute shares by holding the weights to them.

import type { Candidate } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';
import type { Guidance } from '../policy.ts';
import type { Estimates } from './estimates.ts';

/** What the dearest instance costs more than the cheapest where there is nothing but slack: as much as a miss. */
const OBJECTIVE_COST = 1;
/** The same in the fast loop, as a share of τ. */
const OBJECTIVE_SHARE = 0.5;
/** A latency of twice the mean that is asked for costs its whole price; more costs no more. */
const MEAN_MOST = 2;
/** Those that serve no share keep some weight: a request of another group may be for them alone. */
const SHARE_MOST = 0.99;

export class RequirementSteering {
  readonly #guidance: Guidance;
  readonly #latencyMs: number;
  /** Expense, indexed by handle: 0 at the cheapest member, 1 at the dearest and where it is not known. */
  #expense: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** What the weights gave those that serve each share before they were held to it; NaN before the first step. */
  readonly #wanted: Float64Array;
  /** What there is to spend on the objective, by the last step, 0 for nothing. */
  #slack = 0;

  /** `latencyMs` is τ. */
  constructor(guidance: Guidance, latencyMs: number) {
    this.#guidance = guidance;
    this.#latencyMs = latencyMs;
    this.#wanted = new Float64Array(guidance.heldShares.length).fill(Number.NaN);
  }

  /** Returns what the weights by themselves give the instances that serve share `k`; NaN before the first step. */
  wantedShare(k: number): number {
    return this.#wanted[k] as number;
  }

  /** Adds the prices of the requirements and the objective to the costs of a step. */
  charge(members: readonly Candidate[], estimates: Estimates): void {
    const { failurePrice, meanLatencyPrice, slack, asked } = this.#guidance;
    this.#slack = slack;
    if (asked.objective !== null) this.#compareExpenses(members);
    for (const { handle, rttMs } of members) {
      const reliability = this.#guidance.reliability.of(handle);
      // A failing instance costs no more than a miss: after an outage of all it would else get no requests for long.
      const failing = Number.isNaN(reliability) ? 0 : 1 - Math.exp(-failurePrice * (1 - reliability));
      const meanMs = rttMs + (estimates.processingMs[handle] as number);
      const slow =
        asked.meanLatencyMs === null
          ? 0
          : (meanLatencyPrice * Math.min(MEAN_MOST, meanMs / asked.meanLatencyMs)) / MEAN_MOST;
      const expense = asked.objective === null ? 0 : OBJECTIVE_COST * slack * (this.#expense[handle] as number);
      (estimates.costs[handle] as number) += failing + slow + expense;
    }
  }

  /** Scales the weights of those that serve a share up to what it is held to, the most important share last and so exactly. */
  hold(members: readonly Candidate[], weights: Float64Array): void {
    const { heldShares } = this.#guidance;
    for (let k = heldShares.length - 1; k >= 0; k--) {
      const share = Math.min(SHARE_MOST, heldShares[k] as number);
      let serving = 0;
      for (const { handle } of members) if (this.#guidance.serves(handle, k)) serving += weights[handle] as number;
      this.#wanted[k] = serving;
      if (serving === 0 || serving >= share) continue;
      for (const { handle } of members) {
        const factor = this.#guidance.serves(handle, k) ? share / serving : (1 - share) / (1 - serving);
        weights[handle] = (weights[handle] as number) * factor;
      }
    }
  }

  /** Whether there is anything to spend on the objective, by the last step. */
  get spends(): boolean {
    return this.#slack > 0;
  }

  /** Returns how much dearer the objective makes a request there in the fast loop, ms. */
  expenseMs(handle: number): number {
    return OBJECTIVE_SHARE * this.#latencyMs * this.#slack * (this.#expense[handle] ?? 1);
  }

  #compareExpenses(members: readonly Candidate[]): void {
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (const { handle } of members) {
      const expense = this.#guidance.expense(handle);
      if (expense < least) least = expense;
      if (expense > most) most = expense;
    }
    for (const { handle } of members) {
      this.#expense = grownFloat64(this.#expense, handle + 1, 1);
      const expense = this.#guidance.expense(handle);
      const share = most > least ? (expense - least) / (most - least) : 0;
      this.#expense[handle] = Number.isNaN(share) ? 1 : share;
    }
  }
}
