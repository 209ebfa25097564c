// Goodput under overload: where all instances in reach are full, one more request makes every other late, and none is answered in
// time. So a load balancer whose requests are mostly late limits what it has in flight at each instance where they are
// (in-flight-limits.ts), for as long as that gains anything (futility.ts). What no instance has room for is refused at once, of every client:
// each loses the same share.
//
// One that never had an answer in time refuses nothing for the first while, when others do: the room that they make brings its first answers
// in time, and then it is no longer mostly late. It joins them all the same, else it would live on their refusals, and waste what it sends.

import type { Candidate } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';
import { Futility } from './futility.ts';
import { type EndedAttempt, InFlightLimits } from './in-flight-limits.ts';

/**
 * Below this success, of the load balancer as a whole for so long, and at an instance, what is in flight there gets a limit.
 * Where others have limits already the instance's own is enough: all that they have no room for comes to the one that has none.
 */
const SUCCESS_MIN = 0.2;
const PRESSED_MS = 1_000;
/** The same in τ: an attempt shows that it is late after τ, so that a second may be one burst that waits for itself. */
const PRESSED_LATENCIES = 3;
/** Or so many late answers in a row, sent and answered over so many τ, however few seconds that is: neither a burst nor a stall looks so. */
const LATE_ROW_MIN = 10;
/** A load balancer that lives on the refusals of others joins them while a smaller share than this is in time. */
const JOIN_MAX = 0.5;
/** Attempts that have to speak before that; they are forgotten by half a step, or in as many attempts where those take longer. */
const ENDED_MIN = 3;
const ENDED_KEPT = 0.5;
/**
 * Where nothing was asked for so long, or for τ, and nothing is overdue, what was late belongs to a spell that is over, and makes no limit.
 * Limits that there are stay: others may have gone on asking, and where they have not, the first answers lift them.
 */
const IDLE_MS = 2_000;
/** The least limits of all instances together let so much through of all that is asked for, were each answer at the deadline. */
const LIMITS_SHARE_MIN = 0.1;
/** Limits that refused nothing for so long are none. Lifted after 5 s, with the queue hardly gone, they left it to collapse again. */
const REFUSED_MS = 15_000;
/** How much of a rate is kept a step; more where it is below so many requests a step. */
const RATE_KEPT = 0.6;
const RATE_KNOWN = 3;

/** Returns how many requests in flight at a member have become late since `sinceMs`. */
export type Overdue = (member: Candidate, sinceMs: number) => number;

export class Shedding {
  readonly #stepMs: number;
  readonly #latencyMs: number;
  readonly #limits: InFlightLimits;
  readonly #futility: Futility;
  /** Attempts that ended there lately, and those of them that were in time. Indexed by handle. */
  #ended: Float64Array<ArrayBuffer> = new Float64Array(0);
  #good: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** When the last attempt began that was in time, ms; -Infinity before there was one. */
  #timelyMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** 1 where something ended while nothing at all was in time, as of the last step that was held. */
  #hopeless: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Requests per step, smoothed, and those of the current step. */
  #asked = 0;
  #askedNow = 0;
  /** Whether a request was refused in this step, and the last step in which one was, ms. */
  #hasRefused = false;
  #refusedMs = 0;
  /** The number of attempts that ended in this step. */
  #endedNow = 0;
  /** Late attempts since the last in time, -Infinity before there was one; when the first of them began and ended. */
  #lateRow = Number.NEGATIVE_INFINITY;
  #rowStartMs = 0;
  #rowEndMs = 0;
  /** Whether that row of late attempts is too long for chance and for one bad moment. */
  #lost = false;
  /** The last step at which answers were not mostly late, ms. */
  #relaxedMs = 0;
  /** Nothing at all was in time for as long as it takes to be pressed, as of the last step, and nothing was to be refused for it. */
  #held = false;
  /** The last step in which there was a request, ms. */
  #askedMs = 0;

  /** `latencyMs` is τ. */
  constructor(stepMs: number, latencyMs: number) {
    this.#stepMs = stepMs;
    this.#latencyMs = latencyMs;
    this.#limits = new InFlightLimits(stepMs, latencyMs);
    this.#futility = new Futility(latencyMs);
  }

  ensureHandles(handles: number): void {
    this.#limits.ensureHandles(handles);
    this.#ended = grownFloat64(this.#ended, handles);
    this.#good = grownFloat64(this.#good, handles);
    this.#timelyMs = grownFloat64(this.#timelyMs, handles, Number.NEGATIVE_INFINITY);
    this.#hopeless = grownFloat64(this.#hopeless, handles);
  }

  forget(handle: number): void {
    this.#limits.forget(handle);
    this.#timelyMs[handle] = Number.NEGATIVE_INFINITY;
    for (const counts of [this.#ended, this.#good, this.#hopeless]) counts[handle] = 0;
  }

  // ---- every request ----

  /** Counts a request that is refused. */
  refuse(): void {
    this.#askedNow++;
    this.#hasRefused = true;
  }

  /** Whether some instance has a limit, so that requests may be refused. */
  get limits(): boolean {
    return this.#limits.any;
  }

  hasRoom(handle: number, nowMs: number): boolean {
    return this.#limits.hasRoom(handle, nowMs);
  }

  /** Whether it has a limit, and the last answer came early though about as many were in flight. */
  isQuick(candidate: Candidate): boolean {
    return this.#limits.isQuick(candidate);
  }

  /** Whether nothing was under way for so long that one request is to ask whether there is room. */
  mayProbe(handle: number, nowMs: number): boolean {
    return this.#limits.mayProbe(handle, nowMs);
  }

  /** Counts a request that is sent to an instance. */
  send(): void {
    this.#askedNow++;
  }

  /** Notes that this event loop has `inFlight` requests there from now on. */
  observeFlights(handle: number, inFlight: number, nowMs: number): void {
    this.#limits.observeFlights(handle, inFlight, nowMs);
  }

  /** Takes in an attempt that ended there. */
  end(handle: number, attempt: EndedAttempt, answered = true): void {
    const inTime = attempt.processingMs <= attempt.budgetMs;
    // It only asked whether there is room, and found none.
    if (!inTime && this.#limits.isBeyond(handle, attempt.startMs)) return;
    if (inTime) this.#timelyMs[handle] = Math.max(attempt.startMs, this.#timelyMs[handle] as number);
    this.#endedNow++;
    (this.#ended[handle] as number)++;
    if (inTime) {
      (this.#good[handle] as number)++;
      this.#endRow();
    } else this.#observeLate(attempt);
    this.#futility.end(attempt.startMs, inTime, attempt.processingMs);
    // What got no answer, and was late when one set off that was in time, was stuck: in no queue, but on a dead connection, say.
    const stuck = !answered && attempt.startMs + this.#latencyMs <= (this.#timelyMs[handle] as number);
    this.#limits.end(handle, attempt, stuck);
  }

  // ---- every step ----

  /** Takes a decision step. `overdue` counts the requests in flight at a member that are late already. */
  step(members: readonly Candidate[], overdue: Overdue, nowMs: number): void {
    const askedNow = this.#askedNow;
    const kept = this.#measureAsked(nowMs);
    const endedKept = ENDED_KEPT ** Math.min(1, this.#endedNow / ENDED_MIN);
    this.#endedNow = 0;
    if (this.#isIdle(members, overdue, nowMs)) this.#forgetLate(members);
    // A row of late attempts so long leaves nothing of what was in time before it.
    if (this.#lost) for (const { handle } of members) this.#good[handle] = 0;
    const inTimeRatio = this.#inTimeRatio(members, overdue);
    const pressed = inTimeRatio < SUCCESS_MIN;
    if (!pressed) this.#relaxedMs = nowMs;
    const lasting = this.#lost || nowMs - this.#relaxedMs >= Math.max(PRESSED_MS, PRESSED_LATENCIES * this.#latencyMs);
    if (!this.limits) this.#futility.rest(inTimeRatio, pressed, nowMs);
    const idle = this.#refusesNothing(nowMs);
    const futile = this.#futility.isFutile(this.limits, askedNow, nowMs);
    const joins = this.#held && !futile && inTimeRatio < JOIN_MAX && this.#isRelieved(members);
    if (joins) this.#futility.join();
    this.#held = futile && lasting && inTimeRatio === 0;
    for (const member of members) {
      const { handle } = member;
      if (this.#limits.has(handle)) {
        if (futile || idle) this.#limits.lift(handle);
      } else if (
        joins ? this.#hopeless[handle] === 1 : !futile && (lasting || this.limits) && this.#isLate(member, overdue)
      )
        this.#limits.impose(handle, nowMs);
      this.#hopeless[handle] = this.#held && (this.#ended[handle] as number) > 0 ? 1 : 0;
      (this.#ended[handle] as number) *= endedKept;
      (this.#good[handle] as number) *= endedKept;
    }
    const inFlight = (this.#asked * this.#latencyMs) / this.#stepMs;
    const least = (LIMITS_SHARE_MIN / members.length) * inFlight;
    this.#limits.step(members, { least, kept, isOverdue: (member) => overdue(member, Number.NEGATIVE_INFINITY) > 0 });
  }

  #observeLate({ startMs, nowMs }: EndedAttempt): void {
    if (this.#lateRow === 0) {
      this.#rowStartMs = startMs;
      this.#rowEndMs = nowMs;
    }
    this.#lateRow++;
    const lastedMs = Math.min(startMs - this.#rowStartMs, nowMs - this.#rowEndMs);
    this.#lost ||= this.#lateRow >= LATE_ROW_MIN && lastedMs >= PRESSED_LATENCIES * this.#latencyMs;
  }

  /** Ends the row of late attempts: one was in time, or the spell is over. */
  #endRow(): void {
    this.#lateRow = 0;
    this.#lost = false;
  }

  /** Whether there are limits though every request has found room for long. */
  #refusesNothing(nowMs: number): boolean {
    if (this.#hasRefused || !this.limits) this.#refusedMs = nowMs;
    this.#hasRefused = false;
    return nowMs - this.#refusedMs >= REFUSED_MS;
  }

  /** Smooths the rate of requests; returns the share of a rate that a step keeps. */
  #measureAsked(nowMs: number): number {
    if (this.#askedNow > 0) this.#askedMs = nowMs;
    const kept = RATE_KEPT ** Math.min(1, Math.max(this.#asked, this.#askedNow) / RATE_KNOWN);
    this.#asked = this.#asked * kept + this.#askedNow * (1 - kept);
    this.#askedNow = 0;
    return kept;
  }

  /** Whether no evidence is of now: it fades by what ends, and nothing does. */
  #isIdle(members: readonly Candidate[], overdue: Overdue, nowMs: number): boolean {
    if (nowMs - this.#askedMs < Math.max(IDLE_MS, this.#latencyMs)) return false;
    return members.every((member) => overdue(member, Number.NEGATIVE_INFINITY) === 0);
  }

  #forgetLate(members: readonly Candidate[]): void {
    this.#endRow();
    for (const { handle } of members) {
      this.#ended[handle] = 0;
      this.#good[handle] = 0;
    }
  }

  /** Returns the share in time over all members, as one that is late may just be slow; NaN when too little is known. */
  #inTimeRatio(members: readonly Candidate[], overdue: Overdue): number {
    let ended = 0;
    let good = 0;
    for (const member of members) {
      ended += (this.#ended[member.handle] as number) + this.#overdue(member, overdue);
      good += this.#good[member.handle] as number;
    }
    return ended >= ENDED_MIN ? good / ended : Number.NaN;
  }

  /**
   * Late ones in flight there. Where most that ended lately were in time, what was late before such a one set off waits in no queue, and is
   * left out. Where most were late it may: long requests are passed by short ones.
   */
  #overdue(member: Candidate, overdue: Overdue): number {
    const { handle } = member;
    const late = (this.#ended[handle] as number) - (this.#good[handle] as number);
    const passes = late <= (this.#good[handle] as number);
    return overdue(member, passes ? (this.#timelyMs[handle] as number) : Number.NEGATIVE_INFINITY);
  }

  /** Whether the instances that were never in time are now: one found good elsewhere says nothing of refusals. */
  #isRelieved(members: readonly Candidate[]): boolean {
    let ended = 0;
    let good = 0;
    for (const { handle } of members) {
      if (this.#hopeless[handle] === 0) continue;
      ended += this.#ended[handle] as number;
      good += this.#good[handle] as number;
    }
    return good >= SUCCESS_MIN * ended;
  }

  #isLate(member: Candidate, overdue: Overdue): boolean {
    const ended = (this.#ended[member.handle] as number) + this.#overdue(member, overdue);
    return ended >= 1 && (this.#good[member.handle] as number) < SUCCESS_MIN * ended;
  }
}
