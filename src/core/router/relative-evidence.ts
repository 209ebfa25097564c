// Answers whose worth shows only beside those of the other instances: a 404 that one instance alone gives is its own doing, one that
// all give is the client's. The same holds for clients that go away without an answer.
//
// Per instance the share e of such answers is compared with the share ē of all others. Where e exceeds ē, (e − ē)/e is the
// attributable fraction (Levin 1953): that fraction of such answers, evenly spread, is taken for failures. To a policy that estimates a
// success probability P this is P · (1 − (e − ē)); a policy that estimates none sees failures and treats them as it treats failures. The
// rest is charged no less than what a proper answer in time takes: refusing is quick, and must not make an instance look quick. Where odd
// answers are the rule (204 to each measurement), they take what they take.
//
// Shares are compared over a minute, so that the few answers of an instance with little traffic add up; and odd answers in a row with
// what the others answered meanwhile, for one that begins to answer so after a long good past.

import type { AttemptResult, Evidence } from '../domain.ts';
import { grownFloat64 } from '../stats/grown.ts';
import { FadingCounts } from './fading-counts.ts';
import { NO_QUESTION, Questions } from './questions.ts';

/** Half-life of an answer: long enough that the few requests of an instance with little traffic still add up. */
const HALF_LIFE_MS = 30_000;
/** Standard errors by which e must exceed ē, so that chance alone moves no weight: 4 answers against 4 do, 3 do not. */
const STANDARD_ERRORS = 3;
/** Clients that must have gone away in a row: fewer are a coincidence in any case. */
const SILENCE_MIN = 4;
/** This many odd answers in a row are no coincidence. */
const RUN_MIN = 8;
/** Answers of the others meanwhile, by which they are known. */
const KNOWN_MIN = 4;
/** An instance is looked into this often at the most. */
const LOOK_MS_MIN = 10_000;
/** Below this share of proper answers in time, odd ones are the rule. */
const PROPER_MIN = 0.1;

/** Columns of a row. */
const ANSWERS = 0;
const REDIRECTED = 1;
const DECLINED = 2;
const EMPTY = 3;
/** An answer, but none to what was asked. */
const UNFIT = 4;
/** Clients that went away unanswered, in time. */
const UNANSWERED = 5;
/** Answers that are not odd, and the sum of their latencies, ms. */
const PROPER = 6;
const PROPER_MS = 7;
/** Proper answers that were in time. */
const TIMELY = 8;
const TIMELY_MS = 9;
const COLUMNS = 10;

/** The share of odd answers that is an instance's own; one a service. */
export class RelativeEvidence {
  readonly #counts: FadingCounts;
  /** The part of a failure that is still to be charged, one for each count. */
  #owed: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Clients that went away since the last answer of the instance; not faded, by handle. */
  #silence: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Odd answers in a row, the time of the last, their column, and what all instances had answered when they began; by handle. */
  #run: Float64Array<ArrayBuffer> = new Float64Array(0);
  #runMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  #runColumn: Float64Array<ArrayBuffer> = new Float64Array(0);
  #runAnswers: Float64Array<ArrayBuffer> = new Float64Array(0);
  #runOdd: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Totals of all instances, not faded; `ANSWERS` and the columns of what is odd. */
  readonly #totals = new Float64Array(COLUMNS);
  /** When an instance was looked into last, by handle. */
  #lookMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  readonly questions = new Questions();
  /** What the attempt that is judged next was asked. */
  question = NO_QUESTION;
  /** What the attempt that was judged last is charged, ms. */
  chargedMs = 0.5;
  readonly #limitMs: number;

  /** `limitMs`: τ. */
  constructor(limitMs: number, nowMs: number) {
    this.#limitMs = limitMs;
    this.#counts = new FadingCounts({ halfLifeMs: HALF_LIFE_MS, columns: COLUMNS }, nowMs);
  }

  /** A new instance took the handle: it begins at nothing. */
  begin(handle: number): void {
    this.#counts.begin(handle);
    this.questions.forget(handle);
    this.#owed = grownFloat64(this.#owed, (handle + 1) * COLUMNS);
    this.#silence = grownFloat64(this.#silence, handle + 1);
    this.#run = grownFloat64(this.#run, handle + 1);
    this.#runMs = grownFloat64(this.#runMs, handle + 1);
    this.#runColumn = grownFloat64(this.#runColumn, handle + 1);
    this.#runAnswers = grownFloat64(this.#runAnswers, handle + 1);
    this.#runOdd = grownFloat64(this.#runOdd, handle + 1);
    this.#lookMs = grownFloat64(this.#lookMs, handle + 1, Number.NEGATIVE_INFINITY);
    this.#owed.fill(0, handle * COLUMNS, (handle + 1) * COLUMNS);
    this.#silence[handle] = 0;
    this.#run[handle] = 0;
    this.#lookMs[handle] = Number.NEGATIVE_INFINITY;
  }

  reset(): void {
    this.#counts.reset();
    this.questions.clear();
    this.#owed.fill(0);
    this.#silence.fill(0);
    this.#run.fill(0);
    this.#lookMs.fill(Number.NEGATIVE_INFINITY);
  }

  /** Takes in how an attempt ended; returns what it is taken for. Allocates nothing. */
  judge(handle: number, evidence: Evidence, latencyMs: number, nowMs: number): AttemptResult {
    this.#counts.advance(nowMs);
    this.chargedMs = latencyMs;
    switch (evidence) {
      case 'aborted':
        return latencyMs <= this.#limitMs ? this.#judgeAborted(handle, latencyMs) : evidence;
      case 'unprocessed':
        this.chargedMs = Math.min(latencyMs, this.#limitMs);
        return 'aborted';
      case 'expired':
        return this.#isHasty(latencyMs) ? 'aborted' : 'timeout';
      case 'refused':
      case 'timeout':
        return evidence;
      case 'redirected':
        return this.#judgeOdd(handle, REDIRECTED, nowMs);
      case 'declined':
        return this.#judgeOdd(handle, DECLINED, nowMs);
      case 'empty':
        return this.#judgeOdd(handle, EMPTY, nowMs);
      case 'unfit':
        return this.#judgeOdd(handle, UNFIT, nowMs);
      case 'answered':
        if (this.questions.any) this.questions.answered(this.question, handle, nowMs);
        this.#counts.add(handle, PROPER);
        this.#counts.add(handle, PROPER_MS, latencyMs);
        if (latencyMs <= this.#limitMs) {
          this.#counts.add(handle, TIMELY);
          this.#counts.add(handle, TIMELY_MS, latencyMs);
        }
        this.#countAnswer(handle);
        this.#run[handle] = 0;
        return evidence;
      default:
        if (this.questions.any) this.questions.answered(this.question, handle, nowMs);
        this.#countAnswer(handle);
        this.#run[handle] = 0;
        return evidence;
    }
  }

  /** A stream that was an answer at its first byte ended with nothing in it, or within an event: it is counted as an answer already. */
  judgeHollow(handle: number, nowMs: number): AttemptResult {
    this.#counts.advance(nowMs);
    const result = this.#judgeOdd(handle, EMPTY, nowMs, true);
    return result === 'answered' && this.#looksAtStreams(handle, nowMs) ? 'failed' : result;
  }

  /** Like `#takeLook`, but by all that is remembered: each stream was an answer at first, so no odd ones come in a row. */
  #looksAtStreams(handle: number, nowMs: number): boolean {
    if (this.#counts.of(handle, EMPTY) < RUN_MIN || this.#counts.ofOthers(handle, ANSWERS) >= KNOWN_MIN) return false;
    if (this.#counts.ofOthers(handle, PROPER) === 0 || nowMs - (this.#lookMs[handle] ?? 0) < LOOK_MS_MIN) return false;
    this.#lookMs[handle] = nowMs;
    return true;
  }

  #judgeOdd(handle: number, column: number, nowMs: number, isCounted = false): AttemptResult {
    const timely = this.#counts.ofAll(TIMELY);
    if (timely > PROPER_MIN * this.#counts.ofAll(ANSWERS))
      this.chargedMs = Math.max(this.chargedMs, this.#counts.ofAll(TIMELY_MS) / timely);
    // What an instance is asked by chance, or what its client asks wrongly, is not counted.
    if (this.questions.odd(this.question, { handle, column }, nowMs) !== 'instance') return 'answered';
    this.#countRun(handle, column, nowMs);
    if (!isCounted) this.#countAnswer(handle);
    this.#counts.add(handle, column);
    const own = this.#ownShare(handle, column);
    if (this.#charge(handle * COLUMNS + column, own)) return 'failed';
    return own === 0 && this.#takeLook(handle, column, nowMs) ? 'failed' : 'answered';
  }

  #countRun(handle: number, column: number, nowMs: number): void {
    const forgotten = nowMs - (this.#runMs[handle] as number) > HALF_LIFE_MS;
    this.#runMs[handle] = nowMs;
    if (forgotten || this.#run[handle] === 0 || this.#runColumn[handle] !== column) {
      this.#run[handle] = 0;
      this.#runColumn[handle] = column;
      this.#runAnswers[handle] = this.#totals[ANSWERS] as number;
      this.#runOdd[handle] = this.#totals[column] as number;
    }
    this.#run[handle] = (this.#run[handle] as number) + 1;
    this.#totals[column] = (this.#totals[column] as number) + 1;
  }

  /** Answers of the others since the odd ones in a row began. */
  #othersMeanwhile(handle: number): number {
    return (this.#totals[ANSWERS] as number) - (this.#runAnswers[handle] as number) - (this.#run[handle] as number);
  }

  /** Returns its own share, by its odd answers in a row where they suffice, else by all that is remembered. */
  #ownShare(handle: number, column: number): number {
    const run = this.#run[handle] as number;
    const meanwhile = this.#othersMeanwhile(handle);
    if (run >= RUN_MIN && meanwhile >= KNOWN_MIN) {
      const odd = (this.#totals[column] as number) - (this.#runOdd[handle] as number) - run;
      return ownFraction(run, run, odd, meanwhile);
    }
    const counts = this.#counts;
    const odd = counts.of(handle, column);
    const oddOfOthers = counts.ofOthers(handle, column);
    return ownFraction(odd, counts.of(handle, ANSWERS), oddOfOthers, counts.ofOthers(handle, ANSWERS));
  }

  /**
   * One that has nearly all the requests stands beside nothing. Where it begins to answer oddly, one failure is charged ahead: the
   * others are asked for a moment, and show whose doing it is.
   */
  #takeLook(handle: number, column: number, nowMs: number): boolean {
    const run = this.#run[handle] ?? 0;
    if (run < RUN_MIN || this.#othersMeanwhile(handle) >= KNOWN_MIN) return false;
    if (this.#counts.ofOthers(handle, PROPER) === 0 || nowMs - (this.#lookMs[handle] ?? 0) < LOOK_MS_MIN) return false;
    const before = Math.max(0, this.#counts.of(handle, ANSWERS) - run);
    const oddBefore = Math.max(0, this.#counts.of(handle, column) - run);
    if (ownFraction(run, run, oddBefore, before) === 0) return false;
    this.#lookMs[handle] = nowMs;
    return true;
  }

  /**
   * A client that went away in time says nothing of the instance. Many in a row that had waited as long as an answer takes, without a
   * single answer in between, while the others answer, say that it hangs.
   */
  #judgeAborted(handle: number, latencyMs: number): AttemptResult {
    this.#counts.add(handle, UNANSWERED);
    const silence = (this.#silence[handle] ?? 0) + 1;
    this.#silence[handle] = silence;
    if (silence < SILENCE_MIN || this.#isTooSoon(latencyMs)) return 'aborted';
    const unanswered = this.#counts.ofOthers(handle, UNANSWERED);
    const own = ownFraction(silence, silence, unanswered, this.#counts.ofOthers(handle, ANSWERS) + unanswered);
    return this.#charge(handle * COLUMNS + UNANSWERED, own) ? 'timeout' : 'aborted';
  }

  /** Whether proper answers take longer, in the mean of all instances. */
  #isTooSoon(latencyMs: number): boolean {
    return latencyMs < this.#counts.ofAll(PROPER_MS) / this.#counts.ofAll(PROPER);
  }

  /** A deadline that passed before any answer could have come; while none came yet, one within the limit says nothing. */
  #isHasty(latencyMs: number): boolean {
    return this.#counts.ofAll(PROPER) === 0 ? latencyMs < this.#limitMs : this.#isTooSoon(latencyMs);
  }

  #countAnswer(handle: number): void {
    this.#counts.add(handle, ANSWERS);
    this.#totals[ANSWERS] = (this.#totals[ANSWERS] as number) + 1;
    this.#silence[handle] = 0;
  }

  /** Adds a fraction of a failure to what is owed; true when that makes more than half of one, which is charged whole. */
  #charge(at: number, fraction: number): boolean {
    const owed = (this.#owed[at] ?? 0) + fraction;
    const whole = fraction > 0 && owed > 0.5;
    this.#owed[at] = whole ? owed - 1 : owed;
    return whole;
  }
}

/** What an attempt is taken for that has nothing to stand beside. */
export function resultAlone(evidence: Evidence): AttemptResult {
  switch (evidence) {
    case 'unprocessed':
      return 'aborted';
    case 'expired':
      return 'timeout';
    case 'redirected':
    case 'declined':
    case 'empty':
    case 'unfit':
      return 'answered';
    default:
      return evidence;
  }
}

/**
 * (e − ē)/e, the fraction of `odd` of `answers` that is an instance's own beside `oddOfOthers` of `others`; 0 while e does not
 * exceed ē by more than chance explains (each share with one more of either kind, after Agresti and Caffo 2000).
 */
function ownFraction(oddOrMore: number, answers: number, oddOfOthers: number, others: number): number {
  // What was counted at the beginning of a stream has faded more than its end.
  const odd = Math.min(oddOrMore, answers);
  const own = (odd + 1) / (answers + 2);
  const theirs = (Math.max(0, oddOfOthers) + 1) / (Math.max(0, others) + 2);
  const variance = (own * (1 - own)) / (answers + 2) + (theirs * (1 - theirs)) / (Math.max(0, others) + 2);
  if (own - theirs <= STANDARD_ERRORS * Math.sqrt(variance)) return 0;
  return 1 - Math.max(0, oddOfOthers) / Math.max(1, others) / (odd / answers);
}
