// Answers whose worth shows only beside those of the other instances: a 404 that one instance alone gives is its own doing, one that
// all give is the client's. The same holds for clients that go away without an answer.
//
// Per instance the share e of such answers is compared with the share ē of all others. Of the answers that exceed ē, (e − ē)/e is the
// attributable fraction (Levin 1953): as many of them, evenly spread, are taken for failures. To a policy that estimates a success
// probability P this is P · (1 − (e − ē)); a policy that estimates none sees failures and treats them as it treats failures. The rest
// is charged no less than what a proper answer takes: refusing is quick, and must not make an instance look quick.

import type { AttemptResult, Evidence } from '../domain.ts';
import { grownFloat64 } from '../stats/grown.ts';

/** Half-life of an answer: long enough that the few requests of an instance with little traffic still add up. */
const HALF_LIFE_MS = 30_000;
/** Standard errors by which e must exceed ē, so that chance alone moves no weight: 4 answers against 4 do, 3 do not. */
const STANDARD_ERRORS = 3;
/** Clients that must have gone away in a row: fewer are a coincidence in any case. */
const SILENCE_MIN = 4;
/** Weights grow with time instead of all counts being faded at each answer; beyond this they are scaled back. */
const WEIGHT_MAX = 2 ** 40;

/** Columns of a row. */
const ANSWERS = 0;
const REDIRECTED = 1;
const DECLINED = 2;
const EMPTY = 3;
/** Went away unanswered, in time. */
const UNANSWERED = 4;
const COLUMNS = 5;

export class RelativeEvidence {
  /** One row an instance, by handle. */
  #rows: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Of each count, the part of a failure that is still to be charged. */
  #owed: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Clients that went away since the last answer of the instance; not faded. */
  #silence: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Of the service as a whole. */
  readonly #all = new Float64Array(COLUMNS);
  /** Proper answers of all instances, and the sum of their latencies, ms; weighted like all others. */
  #proper = 0;
  #properSumMs = 0;
  /** What the attempt that was judged last is charged, ms. */
  chargedMs = 0.5;
  readonly #limitMs: number;
  #landmarkMs: number;

  /** `limitMs`: τ. */
  constructor(limitMs: number, nowMs: number) {
    this.#limitMs = limitMs;
    this.#landmarkMs = nowMs;
  }

  /** A new instance took the handle: it begins at nothing. */
  begin(handle: number): void {
    const size = (handle + 1) * COLUMNS;
    this.#rows = grownFloat64(this.#rows, size);
    this.#owed = grownFloat64(this.#owed, size);
    this.#silence = grownFloat64(this.#silence, handle + 1);
    for (let column = 0; column < COLUMNS; column++) {
      const at = handle * COLUMNS + column;
      this.#all[column] = Math.max(0, this.#countOfAll(column) - this.#countAt(at));
      this.#rows[at] = 0;
      this.#owed[at] = 0;
    }
    this.#silence[handle] = 0;
  }

  reset(): void {
    this.#rows.fill(0);
    this.#owed.fill(0);
    this.#silence.fill(0);
    this.#all.fill(0);
    this.#proper = 0;
    this.#properSumMs = 0;
  }

  /** Takes in how an attempt ended; returns what it is taken for. Allocates nothing. */
  judge(handle: number, evidence: Evidence, latencyMs: number, nowMs: number): AttemptResult {
    const weight = this.#weightAt(nowMs);
    this.chargedMs = latencyMs;
    switch (evidence) {
      case 'aborted':
        return latencyMs <= this.#limitMs ? this.#judgeAborted(handle, latencyMs, weight) : evidence;
      case 'unprocessed':
        this.chargedMs = Math.min(latencyMs, this.#limitMs);
        return 'aborted';
      case 'expired':
        return this.#isTooSoon(latencyMs) ? 'aborted' : 'timeout';
      case 'refused':
      case 'timeout':
        return evidence;
      case 'redirected':
        return this.#judgeOdd(handle, REDIRECTED, weight);
      case 'declined':
        return this.#judgeOdd(handle, DECLINED, weight);
      case 'empty':
        return this.#judgeOdd(handle, EMPTY, weight);
      case 'answered':
        this.#proper += weight;
        this.#properSumMs += weight * latencyMs;
        this.#countAnswer(handle, weight);
        return evidence;
      default:
        this.#countAnswer(handle, weight);
        return evidence;
    }
  }

  #judgeOdd(handle: number, column: number, weight: number): AttemptResult {
    if (this.#proper > 0) this.chargedMs = Math.max(this.chargedMs, this.#properSumMs / this.#proper);
    this.#countAnswer(handle, weight);
    const at = this.#count(handle, column, weight);
    const answers = this.#countAt(handle * COLUMNS + ANSWERS) / weight;
    const odd = this.#countAt(at) / weight;
    const others = this.#countOfAll(ANSWERS) / weight - answers;
    const oddOfOthers = this.#countOfAll(column) / weight - odd;
    return this.#charge(at, ownFraction(odd, answers, oddOfOthers, others)) ? 'failed' : 'answered';
  }

  /**
   * A client that went away in time says nothing of the instance. Many in a row that had waited as long as an answer takes, without a
   * single answer in between, while the others answer, say that it hangs.
   */
  #judgeAborted(handle: number, latencyMs: number, weight: number): AttemptResult {
    const at = this.#count(handle, UNANSWERED, weight);
    const silence = (this.#silence[handle] ?? 0) + 1;
    this.#silence[handle] = silence;
    const answersOfOthers = (this.#countOfAll(ANSWERS) - this.#countAt(handle * COLUMNS + ANSWERS)) / weight;
    const unanswered = (this.#countOfAll(UNANSWERED) - this.#countAt(at)) / weight;
    if (silence < SILENCE_MIN || this.#isTooSoon(latencyMs)) return 'aborted';
    const own = ownFraction(silence, silence, unanswered, answersOfOthers + unanswered);
    return this.#charge(at, own) ? 'timeout' : 'aborted';
  }

  /** Proper answers take longer, in the mean of all instances. */
  #isTooSoon(latencyMs: number): boolean {
    return latencyMs < this.#properSumMs / this.#proper;
  }

  #countAnswer(handle: number, weight: number): void {
    this.#count(handle, ANSWERS, weight);
    this.#silence[handle] = 0;
  }

  #count(handle: number, column: number, weight: number): number {
    const at = handle * COLUMNS + column;
    this.#rows[at] = this.#countAt(at) + weight;
    this.#all[column] = this.#countOfAll(column) + weight;
    return at;
  }

  /** Adds a fraction of a failure to what is owed; true when that makes more than half of one, which is charged whole. */
  #charge(at: number, fraction: number): boolean {
    const owed = (this.#owed[at] ?? 0) + fraction;
    const whole = fraction > 0 && owed > 0.5;
    this.#owed[at] = whole ? owed - 1 : owed;
    return whole;
  }

  /** What an answer counts now: the later, the more, so that older ones fade beside it (forward decay, Cormode et al. 2009). */
  #weightAt(nowMs: number): number {
    const weight = 2 ** ((nowMs - this.#landmarkMs) / HALF_LIFE_MS);
    if (weight < WEIGHT_MAX) return weight;
    for (let at = 0; at < this.#rows.length; at++) this.#rows[at] = this.#countAt(at) / weight;
    for (let column = 0; column < COLUMNS; column++) this.#all[column] = this.#countOfAll(column) / weight;
    this.#proper /= weight;
    this.#properSumMs /= weight;
    this.#landmarkMs = nowMs;
    return 1;
  }

  #countAt(at: number): number {
    return this.#rows[at] ?? 0;
  }

  #countOfAll(column: number): number {
    return this.#all[column] ?? 0;
  }
}

/** What an attempt is taken for that has nothing to stand beside. */
export function resultAlone(evidence: Evidence): AttemptResult {
  if (evidence === 'unprocessed') return 'aborted';
  if (evidence === 'expired') return 'timeout';
  return evidence === 'redirected' || evidence === 'declined' || evidence === 'empty' ? 'answered' : evidence;
}

/**
 * (e − ē)/e, the fraction of `odd` of `answers` that is an instance's own beside `oddOfOthers` of `others`; 0 while e does not
 * exceed ē by more than chance explains (each share with one more of either kind, after Agresti and Caffo 2000).
 */
function ownFraction(odd: number, answers: number, oddOfOthers: number, others: number): number {
  const own = (odd + 1) / (answers + 2);
  const theirs = (Math.max(0, oddOfOthers) + 1) / (Math.max(0, others) + 2);
  const variance = (own * (1 - own)) / (answers + 2) + (theirs * (1 - theirs)) / (Math.max(0, others) + 2);
  if (own - theirs <= STANDARD_ERRORS * Math.sqrt(variance)) return 0;
  return 1 - Math.max(0, oddOfOthers) / Math.max(1, others) / (odd / answers);
}
