// Goodput under overload: where all instances in reach are full, one more request makes every other late, and none is answered in
// time. So a load balancer whose requests are mostly late limits the rate that it sends to each instance where they are, in the way
// of TCP Vegas and Swift: an answer that came well before its deadline lets the rate grow, one that came near it or after it cuts the
// rate, at most once a round, so that a cut shows before the next one. Latency is the signal, since misses come when it is too late.
// It is also the same for all that share the instance, which therefore shed alike without a word between them.
//
// Rates are kept by token buckets: requests that are spaced out find shorter queues than as many at random. What no instance has room
// for is refused at once, of every client: each loses the same share.
//
// Long because: limit, bucket and evidence of an instance change together with each answer.

import type { Candidate } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';
import { Futility } from './futility.ts';

/**
 * Below this success, of the load balancer as a whole for so long, and at an instance, the rate sent there gets a limit: this share of it.
 * Where others have limits already the instance's own is enough: all that they have no room for comes to the one that has none.
 */
const SUCCESS_MIN = 0.2;
const PRESSED_MS = 1_000;
/** And for so many τ: an attempt shows that it is late after τ, so that a second may be one burst that waits for itself. */
const PRESSED_LATENCIES = 3;
const KEPT_FIRST = 0.7;
/** Attempts that have to speak before that; they are forgotten by half a step, or in as many attempts where those take longer. */
const ENDED_MIN = 3;
const ENDED_KEPT = 0.5;
/** Where nothing was asked for so long, or for τ, and nothing is overdue, what was late belongs to a spell that is over. */
const IDLE_MS = 2_000;
/** The latency aimed at lies half way from that of the idle instance to the deadline. */
const TARGET = 0.5;
/** Growth of a limit: at most so much an answer, a second, and a τ (feedback takes as long, and quicker growth oscillates). */
const GROWTH_MOST = 0.5;
const GROWTH_SECOND = 1;
const GROWTH_DEADLINE = 0.15;
/** It doubles after so many τ without a cut, and so on: what comes back is there at once. */
const GROWTH_DOUBLES_LATENCIES = 10;
/** The deepest cut, where much is refused; where next to nothing is, a late answer is worth more than a refusal. */
const CUT_MOST = 0.3;
const CUT_LEAST = 0.05;
/** Share of the requests that is refused at which cuts are as deep as that, and so many τ after the last one, where answers are few. */
const REFUSED_MUCH = 0.3;
const CUT_LATENCIES = 10;
/** The least limit, of all that is asked for: what shows that there is room again. And of all instances together. */
const LIMIT_SHARE_MIN = 0.05;
const LIMITS_SHARE_MIN = 0.3;
/** A limit of so many times what is asked for is none. */
const LIMIT_OFF = 2;
/** Requests that an idle limit saves up at the most, and that are owed. */
const BURST = 2;
/** How much of a rate is kept a step; more where it is below so many requests a step. */
const RATE_KEPT = 0.6;
const RATE_KNOWN = 3;

/** How an attempt ended, in ms. */
export interface EndedAttempt {
  readonly processingMs: number;
  /** What the deadline leaves for processing. */
  readonly budgetMs: number;
  /** What the idle instance takes; NaN while nothing is known. */
  readonly idleMs: number;
  readonly startMs: number;
  readonly nowMs: number;
}

export class Shedding {
  readonly #stepMs: number;
  readonly #latencyMs: number;
  readonly #growthPerMs: number;
  /** Requests a step at the most; +Infinity for no limit. By handle, as all that follows. */
  #limit: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** What may still be sent now. */
  #room: Float64Array<ArrayBuffer> = new Float64Array(0);
  #roomAtMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** When the limit was cut, and when it grew or was cut. */
  #cutMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  #movedMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Since when nothing came back of what was sent after the last cut; +Infinity when something did. */
  #silentMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Requests a step that are sent there. */
  #sent: Float64Array<ArrayBuffer> = new Float64Array(0);
  #sentNow: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Attempts that ended there lately, and those of them that were in time. */
  #ended: Float64Array<ArrayBuffer> = new Float64Array(0);
  #good: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Requests a step in all, and those that were sent. */
  #asked = 0;
  #refusedNow = 0;
  #admitted = 0;
  #admittedNow = 0;
  /** Attempts that ended in this step. */
  #endedNow = 0;
  /** How deep a cut is for what is refused, 0 to 1. */
  #depth = 0;
  /** The least limit. */
  #least = 0;
  /** Instances that have a limit. */
  #limits = 0;
  /** When answers were not late mostly. */
  #relaxedMs = 0;
  /** When something was asked for, as of a step. */
  #askedMs = 0;
  readonly #futility: Futility;

  /** `latencyMs`: τ. */
  constructor(stepMs: number, latencyMs: number) {
    this.#stepMs = stepMs;
    this.#latencyMs = latencyMs;
    this.#futility = new Futility(latencyMs);
    this.#growthPerMs = Math.min(GROWTH_SECOND / 1000, GROWTH_DEADLINE / latencyMs);
  }

  ensureHandles(handles: number): void {
    this.#limit = grownFloat64(this.#limit, handles, Number.POSITIVE_INFINITY);
    this.#room = grownFloat64(this.#room, handles);
    this.#roomAtMs = grownFloat64(this.#roomAtMs, handles);
    this.#cutMs = grownFloat64(this.#cutMs, handles);
    this.#movedMs = grownFloat64(this.#movedMs, handles);
    this.#silentMs = grownFloat64(this.#silentMs, handles, Number.POSITIVE_INFINITY);
    this.#sent = grownFloat64(this.#sent, handles);
    this.#sentNow = grownFloat64(this.#sentNow, handles);
    this.#ended = grownFloat64(this.#ended, handles);
    this.#good = grownFloat64(this.#good, handles);
  }

  forget(handle: number): void {
    this.#lift(handle);
    for (const counts of [this.#sent, this.#sentNow, this.#ended, this.#good]) counts[handle] = 0;
  }

  // ---- every request ----

  /** A request goes nowhere. */
  refuse(): void {
    this.#refusedNow++;
  }

  /** Some instance has a limit: requests may be refused. */
  get limits(): boolean {
    return this.#limits > 0;
  }

  hasRoom(handle: number, nowMs: number): boolean {
    return !this.#isLimited(handle) || this.#roomAt(handle, nowMs) >= 1;
  }

  /** A request goes there. */
  send(handle: number, nowMs: number): void {
    (this.#sentNow[handle] as number)++;
    this.#admittedNow++;
    if (!this.#isLimited(handle)) return;
    if (nowMs - (this.#silentMs[handle] as number) > this.#latencyMs) this.#cutLimit(handle, 1, nowMs);
    // Sessions and retries go there without asking: what they owe is bounded, as what an idle limit saves.
    this.#room[handle] = Math.max(-BURST, this.#roomAt(handle, nowMs) - 1);
    this.#roomAtMs[handle] = nowMs;
    this.#silentMs[handle] = Math.min(nowMs, this.#silentMs[handle] as number);
  }

  /** An attempt ended there. */
  end(handle: number, attempt: EndedAttempt): void {
    const { processingMs, budgetMs, startMs, nowMs } = attempt;
    this.#endedNow++;
    (this.#ended[handle] as number)++;
    if (processingMs <= budgetMs) (this.#good[handle] as number)++;
    this.#futility.end(startMs, processingMs <= budgetMs, processingMs);
    if (!this.#isLimited(handle)) return;
    if (startMs >= (this.#silentMs[handle] as number)) this.#silentMs[handle] = Number.POSITIVE_INFINITY;
    const idleMs = Number.isNaN(attempt.idleMs) ? 0 : Math.min(attempt.idleMs, budgetMs);
    const targetMs = idleMs + TARGET * (budgetMs - idleMs);
    if (processingMs <= targetMs) this.#growLimit(handle, (targetMs - processingMs) / (targetMs - idleMs), nowMs);
    else if (startMs >= (this.#cutMs[handle] as number))
      this.#cutLimit(handle, (processingMs - targetMs) / Math.max(1, budgetMs - targetMs), nowMs);
  }

  // ---- every step ----

  /** `overdue`: requests in flight there that are late already. */
  step(members: readonly Candidate[], overdue: (member: Candidate) => number, nowMs: number): void {
    const kept = this.#measureRates(nowMs);
    this.#least = Math.min(LIMIT_SHARE_MIN, LIMITS_SHARE_MIN / members.length) * this.#asked;
    const endedKept = ENDED_KEPT ** Math.min(1, this.#endedNow / ENDED_MIN);
    this.#endedNow = 0;
    if (this.#isIdle(members, overdue, nowMs)) for (const { handle } of members) this.#forgetSpell(handle);
    const pressed = this.#isPressed(members, overdue);
    if (pressed !== true) this.#relaxedMs = nowMs;
    const lasting = nowMs - this.#relaxedMs >= Math.max(PRESSED_MS, PRESSED_LATENCIES * this.#latencyMs);
    if (pressed === false && !this.limits) this.#futility.forget();
    const futile = this.#futility.isFutile(this.limits, nowMs);
    let limited = 0;
    for (const member of members) {
      const { handle } = member;
      this.#sent[handle] = (this.#sent[handle] as number) * kept + (this.#sentNow[handle] as number) * (1 - kept);
      this.#sentNow[handle] = 0;
      const isOff = (this.#limit[handle] as number) > LIMIT_OFF * this.#asked;
      if (futile || (this.#isLimited(handle) && isOff)) this.#lift(handle);
      else if (!this.#isLimited(handle) && (lasting || this.limits) && this.#isLate(member, overdue))
        this.#impose(handle, nowMs);
      if (this.#isLimited(handle)) {
        limited++;
        // What was asked for when the limit was made may have been next to nothing, and a factor never leads out of that.
        this.#limit[handle] = Math.max(this.#limit[handle] as number, this.#least);
      }
      (this.#ended[handle] as number) *= endedKept;
      (this.#good[handle] as number) *= endedKept;
    }
    if (this.#limits > limited) this.#liftOthers(members);
  }

  /** Smooths what is asked for and admitted; returns how much of a rate is kept. */
  #measureRates(nowMs: number): number {
    const askedNow = this.#admittedNow + this.#refusedNow;
    if (askedNow > 0) this.#askedMs = nowMs;
    const kept = RATE_KEPT ** Math.min(1, Math.max(this.#asked, askedNow) / RATE_KNOWN);
    this.#asked = this.#asked * kept + askedNow * (1 - kept);
    this.#admitted = this.#admitted * kept + this.#admittedNow * (1 - kept);
    this.#refusedNow = 0;
    this.#admittedNow = 0;
    const refused = this.#asked > 0 ? 1 - Math.min(1, this.#admitted / this.#asked) : 0;
    this.#depth = Math.min(1, refused / REFUSED_MUCH);
    return kept;
  }

  /** Nothing speaks of now: evidence fades by what ends, and nothing does. */
  #isIdle(members: readonly Candidate[], overdue: (member: Candidate) => number, nowMs: number): boolean {
    if (nowMs - this.#askedMs < Math.max(IDLE_MS, this.#latencyMs)) return false;
    return members.every((member) => overdue(member) === 0);
  }

  #forgetSpell(handle: number): void {
    this.#lift(handle);
    this.#ended[handle] = 0;
    this.#good[handle] = 0;
  }

  /** An instance that went out of play takes its limit with it. */
  #liftOthers(members: readonly Candidate[]): void {
    for (let handle = 0; handle < this.#limit.length; handle++) {
      if (this.#isLimited(handle) && !members.some((member) => member.handle === handle)) this.#lift(handle);
    }
  }

  /** The load balancer as a whole is late mostly: one instance that is so may be slow, and is left to the weights. Null: too little known. */
  #isPressed(members: readonly Candidate[], overdue: (member: Candidate) => number): boolean | null {
    let ended = 0;
    let good = 0;
    for (const member of members) {
      ended += (this.#ended[member.handle] as number) + overdue(member);
      good += this.#good[member.handle] as number;
    }
    return ended >= ENDED_MIN ? good < SUCCESS_MIN * ended : null;
  }

  #isLate(member: Candidate, overdue: (member: Candidate) => number): boolean {
    const ended = (this.#ended[member.handle] as number) + overdue(member);
    return ended >= 1 && (this.#good[member.handle] as number) < SUCCESS_MIN * ended;
  }

  // ---- limits ----

  #roomAt(handle: number, nowMs: number): number {
    const limit = this.#limit[handle] as number;
    const earned = ((nowMs - (this.#roomAtMs[handle] as number)) / this.#stepMs) * limit;
    // Many slow limits that each saved up two requests would let through for long what is asked for.
    return Math.min(BURST, 1 + limit, (this.#room[handle] as number) + earned);
  }

  #isLimited(handle: number): boolean {
    return this.#limit[handle] !== Number.POSITIVE_INFINITY;
  }

  #impose(handle: number, nowMs: number): void {
    this.#limits++;
    this.#limit[handle] = Math.max(KEPT_FIRST * (this.#sent[handle] as number), this.#least);
    this.#room[handle] = 0;
    this.#roomAtMs[handle] = nowMs;
    this.#cutMs[handle] = nowMs;
    this.#movedMs[handle] = nowMs;
  }

  #lift(handle: number): void {
    if (this.#isLimited(handle)) this.#limits--;
    this.#limit[handle] = Number.POSITIVE_INFINITY;
    this.#silentMs[handle] = Number.POSITIVE_INFINITY;
  }

  /** `slack`: 1 for an answer of the idle instance, 0 for one at the target. */
  #growLimit(handle: number, slack: number, nowMs: number): void {
    const speed = 1 + (nowMs - (this.#cutMs[handle] as number)) / (GROWTH_DOUBLES_LATENCIES * this.#latencyMs);
    const growth = Math.min(GROWTH_MOST, speed * this.#growthPerMs * (nowMs - (this.#movedMs[handle] as number)));
    (this.#limit[handle] as number) *= 1 + growth * Math.min(1, Math.max(0, slack));
    this.#movedMs[handle] = nowMs;
  }

  /** `excess`: 0 for an answer at the target, 1 for one at the deadline or later. */
  #cutLimit(handle: number, excess: number, nowMs: number): void {
    const limit = this.#limit[handle] as number;
    const rested = (nowMs - (this.#cutMs[handle] as number)) / (CUT_LATENCIES * this.#latencyMs);
    const cut = CUT_LEAST + (CUT_MOST - CUT_LEAST) * Math.min(1, Math.max(this.#depth, rested));
    this.#limit[handle] = Math.max(Math.min(limit, this.#least), limit * (1 - cut * Math.min(1, excess)));
    this.#cutMs[handle] = nowMs;
    this.#movedMs[handle] = nowMs;
    this.#silentMs[handle] = Number.POSITIVE_INFINITY;
  }
}
