// Whose turn it is, the weights say; where the request goes, what it costs just now. The one whose turn it is may hand it to one where
// the request costs less: then it is owed a turn, and the other owes one. What is owed counts as so many milliseconds of cost a turn,
// so that what costs more for long gets its share all the same: shares follow the weights, and only the moment is chosen. That holds up
// to a limit: an instance that costs more by more than that has a share that is wrong, and is left out until its weight says so too.
//
// What is handed on for good is a share that is wrong: the weights follow it (`shift`). Where the own requests make the queues, that holds
// them against the random walk that chance in the costs makes of them; where others do, turns come back, and it is nothing.
//
// It is the drift plus penalty of stochastic control (Neely, 2010): what is owed are the virtual queues of a constraint on shares.

import type { Candidate } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';

/**
 * Share of τ that a turn that is owed counts as: little against a place in a queue, which decides where the own requests make the queues.
 * At a tenth of τ the weights overruled it, and what moves them there is chance.
 */
const PRICE_SHARE = 0.03;
/** Turns that are owed or owing at the most: with the price, by how much of τ an instance may cost more and keep its share. */
export const OWED_MAX = 5;

export class Turns {
  /** What a turn that is owed counts as, ms of cost. */
  readonly priceMs: number;
  /** Turns handed on less turns taken over, indexed by handle. */
  #owed: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Turns taken over less turns handed on since the last step, indexed by handle. */
  #gained: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Requests since the last step, without those that were chosen by room alone. */
  requests = 0;

  /** `latencyMs` is τ. */
  constructor(latencyMs: number) {
    this.priceMs = PRICE_SHARE * latencyMs;
  }

  ensureHandles(handles: number): void {
    this.#owed = grownFloat64(this.#owed, handles);
    this.#gained = grownFloat64(this.#gained, handles);
  }

  forget(handle: number): void {
    this.restore(handle, 0);
    this.#gained[handle] = 0;
  }

  owed(handle: number): number {
    return this.#owed[handle] as number;
  }

  restore(handle: number, owed: number): void {
    this.#owed[handle] = owed;
  }

  /** Returns what the instance is owed, as cost in ms. */
  owedMs(handle: number): number {
    return this.priceMs * (this.#owed[handle] as number);
  }

  /** Hands a turn from one instance to another. */
  hand(from: number, to: number): void {
    this.#owed[from] = Math.min(OWED_MAX, (this.#owed[from] as number) + 1);
    this.#owed[to] = Math.max(-OWED_MAX, (this.#owed[to] as number) - 1);
    (this.#gained[from] as number)--;
    (this.#gained[to] as number)++;
  }

  /** Returns its share of the requests since the last step less its share of the turns, -1 to 1. */
  shift(handle: number): number {
    const shift = (this.#gained[handle] as number) / Math.max(1, this.requests);
    return Math.max(-1, Math.min(1, shift));
  }

  /** Begins the next step, once this one has looked at the turns. */
  step(members: readonly Candidate[]): void {
    this.requests = 0;
    for (const { handle } of members) this.#gained[handle] = 0;
  }
}
