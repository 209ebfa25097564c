// How much one instance is sent while requests are refused: a limit on what is in flight there, in the way of TCP Vegas and Swift. A limit
// on a rate has to be found again when capacity changes, and the queue behind it is left to chance; one on what is in flight bounds the
// queue, and sends as fast as answers come back. Latency is the signal, since misses come when it is too late. It is also the same for all that
// share the instance, which therefore refuse alike without a word between them.
//
// An answer that came well before its deadline lets the limit grow, one that came near it or too late cuts it, each for the time since the
// answer before it: where the limit settles must not depend on how many answers there are.
//
// Where many share an instance, a load balancer may have less than one request there, or one and a half: the limit holds on the average
// over time. What is in flight beyond the limit is owed, what is below it pays that back, and nothing is saved up. An answer of the idle
// instance shows that nothing is owed any more: one with a small limit would otherwise wait for long before it is asked again.
//
// Event loops of one process share an instance as load balancers do, each with a limit on its own requests. Where each held all that is in
// flight against its limit, the loop with the least one would find every instance full, hear nothing that raises it, and refuse for good.

import type { Candidate } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';

/** Where the latency aimed at lies between that of the idle instance, 0, and the deadline, 1. */
const TARGET = 0.65;
/** What an idle instance takes is the quickest answer in time, which counts for so much more with each second that has answers. */
const QUICKEST_RISE_SECOND = 0.02;
/** Round trips are measured with an error, and an answer may come sooner than its round trip: nothing rises from less than this, ms. */
const QUICKEST_MS_MIN = 0.1;
/** Growth by answers of the idle instance: at most so much an answer, a second, and a τ (feedback takes as long). Few answers have to do. */
const GROWTH_MOST = 2;
const GROWTH_SECOND = 2;
const GROWTH_DEADLINE = 0.15;
/** It doubles after so many τ without a cut, and so on: what comes back is there at once. */
const GROWTH_DOUBLES_LATENCIES = 3;
/** A limit above so many times what is in flight grows as slowly as one of that size: what is not used shows nothing. */
const USED_TIMES = 2;
/** The cut by answers at the deadline: at most so much an answer, a second, and a τ. One that is late cuts so many times as much. */
const CUT_MOST = 0.3;
const CUT_SECOND = 3;
const CUT_DEADLINE = 0.3;
const LATE_TIMES = 2;
/**
 * Where nothing was under way for so long, one request asks whether there is room after all; after each such one that was late, for twice as
 * long. What is far from an instance that all share would otherwise take what those near it are answered by.
 */
const PROBE_MS = 4_000;
const PROBE_MS_MAX = 60_000;

/** What one step needs. */
export interface LimitsStep {
  /** The least that a limit may be, requests in flight. */
  readonly least: number;
  /** The share of a smoothed rate that a step keeps, in [0, 1]. */
  readonly kept: number;
  /** Whether something in flight there is late already. */
  readonly isOverdue: (member: Candidate) => boolean;
}

/** How an attempt ended, in ms. */
export interface EndedAttempt {
  readonly processingMs: number;
  /** What the deadline leaves for processing, once the round trip is taken off. */
  readonly budgetMs: number;
  /** Others of this load balancer that were in flight there when it began. */
  readonly ahead: number;
  readonly startMs: number;
  readonly nowMs: number;
}

export class InFlightLimits {
  readonly #stepMs: number;
  readonly #latencyMs: number;
  readonly #growthPerMs: number;
  readonly #cutPerMs: number;
  readonly #quickestRise: number;
  /** Requests in flight at the most; +Infinity for no limit. Indexed by handle, as all that follows. */
  #limit: Float64Array<ArrayBuffer> = new Float64Array(0);
  #inFlight: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Requests × ms that were in flight beyond the limit and not made up for, at a moment; 0 or below. */
  #owed: Float64Array<ArrayBuffer> = new Float64Array(0);
  #owedAtMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** The time since which all that was sent there had no room, ms; +Infinity where the last had room. */
  #beyondMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** When the limit was made, when it was last cut, and when the last answer came that moved it. */
  #sinceMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  #cutMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  #heardMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** What the last attempt took, how many were in flight when it began, and its budget. */
  #lastMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  #lastAhead: Float64Array<ArrayBuffer> = new Float64Array(0);
  #budgetMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** What an idle instance takes, ms; +Infinity before the first answer in time. */
  #quickestMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Attempts that end there per step, smoothed, and those of the current step. */
  #served: Float64Array<ArrayBuffer> = new Float64Array(0);
  #servedNow: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** How long nothing has to be under way before a request asks whether there is room, ms. */
  #probeMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** The number of instances that have a limit. */
  #count = 0;
  /** The least that a limit may be, requests in flight, by the last step. */
  #least = 0;

  /** `latencyMs` is τ. */
  constructor(stepMs: number, latencyMs: number) {
    this.#stepMs = stepMs;
    this.#latencyMs = latencyMs;
    this.#growthPerMs = Math.min(GROWTH_SECOND / 1000, GROWTH_DEADLINE / latencyMs);
    this.#cutPerMs = Math.min(CUT_SECOND / 1000, CUT_DEADLINE / latencyMs);
    this.#quickestRise = 1 + (QUICKEST_RISE_SECOND / 1000) * stepMs;
  }

  ensureHandles(handles: number): void {
    this.#limit = grownFloat64(this.#limit, handles, Number.POSITIVE_INFINITY);
    this.#inFlight = grownFloat64(this.#inFlight, handles);
    this.#owed = grownFloat64(this.#owed, handles);
    this.#owedAtMs = grownFloat64(this.#owedAtMs, handles);
    this.#beyondMs = grownFloat64(this.#beyondMs, handles, Number.POSITIVE_INFINITY);
    this.#sinceMs = grownFloat64(this.#sinceMs, handles);
    this.#cutMs = grownFloat64(this.#cutMs, handles);
    this.#heardMs = grownFloat64(this.#heardMs, handles);
    this.#lastMs = grownFloat64(this.#lastMs, handles);
    this.#lastAhead = grownFloat64(this.#lastAhead, handles);
    this.#budgetMs = grownFloat64(this.#budgetMs, handles);
    this.#quickestMs = grownFloat64(this.#quickestMs, handles, Number.POSITIVE_INFINITY);
    this.#served = grownFloat64(this.#served, handles);
    this.#servedNow = grownFloat64(this.#servedNow, handles);
    this.#probeMs = grownFloat64(this.#probeMs, handles, PROBE_MS);
  }

  forget(handle: number): void {
    this.lift(handle);
    this.#quickestMs[handle] = Number.POSITIVE_INFINITY;
    this.#beyondMs[handle] = Number.POSITIVE_INFINITY;
    this.#probeMs[handle] = PROBE_MS;
    for (const values of [this.#inFlight, this.#owedAtMs, this.#served, this.#servedNow]) values[handle] = 0;
    for (const values of [this.#lastMs, this.#lastAhead, this.#budgetMs]) values[handle] = 0;
  }

  /** Whether some instance has a limit. */
  get any(): boolean {
    return this.#count > 0;
  }

  has(handle: number): boolean {
    return this.#limit[handle] !== Number.POSITIVE_INFINITY;
  }

  /** Requests in flight at the most; +Infinity for no limit. */
  of(handle: number): number {
    return this.#limit[handle] as number;
  }

  hasRoom(handle: number, nowMs: number): boolean {
    const limit = this.of(handle);
    if (limit === Number.POSITIVE_INFINITY) return true;
    return (this.#inFlight[handle] as number) < limit && this.#owedAt(handle, nowMs) === 0;
  }

  /** Whether one more is early if its place takes as long as the last answer's: then the queue is short by now. */
  isQuick({ handle, inFlight }: Candidate): boolean {
    if (!this.has(handle)) return false;
    const places = (inFlight + 1) / ((this.#lastAhead[handle] as number) + 1);
    return places * (this.#lastMs[handle] as number) <= this.#targetMs(handle);
  }

  /** Whether nothing was under way for so long that what was learned of it may be over, with a limit or without. */
  mayProbe(handle: number, nowMs: number): boolean {
    if ((this.#inFlight[handle] as number) > 0) return false;
    return nowMs - (this.#owedAtMs[handle] as number) > (this.#probeMs[handle] as number);
  }

  /** Whether an attempt sent at `startMs` only asked for room, with none that had room sent since. */
  isBeyond(handle: number, startMs: number): boolean {
    return startMs >= (this.#beyondMs[handle] as number);
  }

  /** Notes that this event loop has `inFlight` requests there from now on. */
  observeFlights(handle: number, inFlight: number, nowMs: number): void {
    if (this.has(handle)) this.#owed[handle] = this.#owedAt(handle, nowMs);
    this.#owedAtMs[handle] = nowMs;
    if (inFlight > (this.#inFlight[handle] as number)) this.#send(handle, inFlight > this.of(handle) + 1, nowMs);
    this.#inFlight[handle] = inFlight;
  }

  /** Takes in an attempt that ended there. `stuck`: it was in no queue, and does not show what a place takes. */
  end(handle: number, attempt: EndedAttempt, stuck = false): void {
    const { processingMs, budgetMs, ahead, startMs, nowMs } = attempt;
    (this.#servedNow[handle] as number)++;
    if (!stuck) {
      this.#lastMs[handle] = processingMs;
      this.#lastAhead[handle] = ahead;
    }
    this.#budgetMs[handle] = budgetMs;
    if (processingMs <= budgetMs) {
      this.#observeQuickest(handle, processingMs);
      this.#probeMs[handle] = PROBE_MS;
    } else if (ahead === 0) this.#probeMs[handle] = Math.min(PROBE_MS_MAX, 2 * (this.#probeMs[handle] as number));
    // An attempt that was sent before there was a limit says nothing of it.
    if (!this.has(handle) || startMs < (this.#sinceMs[handle] as number)) return;
    const targetMs = this.#targetMs(handle);
    // An early answer to it shows that there is room, however late those before it are.
    if (processingMs <= targetMs && this.isBeyond(handle, startMs))
      this.#limit[handle] = Math.max(this.of(handle), (this.#inFlight[handle] as number) + 1);
    if (processingMs > targetMs)
      this.#shrink(handle, (processingMs - targetMs) / Math.max(1, budgetMs - targetMs), nowMs);
    else this.#grow(handle, (targetMs - processingMs) / Math.max(1, targetMs - this.#idleMs(handle)), nowMs);
    this.#heardMs[handle] = nowMs;
  }

  /** Sets the limit to as much as it answers in the time that an answer is to take (Little's law). */
  impose(handle: number, nowMs: number): void {
    const aimMs = this.#latencyMs - (this.#budgetMs[handle] as number) + this.#targetMs(handle);
    this.#count++;
    this.#limit[handle] = ((this.#served[handle] as number) * aimMs) / this.#stepMs;
    this.#owed[handle] = 0;
    for (const times of [this.#owedAtMs, this.#sinceMs, this.#cutMs, this.#heardMs]) times[handle] = nowMs;
  }

  lift(handle: number): void {
    if (this.has(handle)) this.#count--;
    this.#limit[handle] = Number.POSITIVE_INFINITY;
  }

  /** Takes one step, and lifts the limits of instances that are no longer members. */
  step(members: readonly Candidate[], { least, kept, isOverdue }: LimitsStep): void {
    this.#least = least;
    let limited = 0;
    for (const member of members) {
      const { handle } = member;
      const now = this.#servedNow[handle] as number;
      // An instance that hangs shows no rate: a limit by it would let next to nothing through once it is back.
      if (now > 0 || !isOverdue(member))
        this.#served[handle] = (this.#served[handle] as number) * kept + now * (1 - kept);
      if (now > 0) (this.#quickestMs[handle] as number) *= this.#quickestRise;
      this.#servedNow[handle] = 0;
      if (!this.has(handle)) continue;
      limited++;
      // The rate behind the limit may have been next to nothing, and no factor leads out of that.
      this.#limit[handle] = Math.max(this.of(handle), least);
    }
    if (this.#count === limited) return;
    for (let handle = 0; handle < this.#limit.length; handle++) {
      if (this.has(handle) && !members.some((member) => member.handle === handle)) this.lift(handle);
    }
  }

  #send(handle: number, beyond: boolean, nowMs: number): void {
    if (!beyond) this.#beyondMs[handle] = Number.POSITIVE_INFINITY;
    else if (this.#beyondMs[handle] === Number.POSITIVE_INFINITY) this.#beyondMs[handle] = nowMs;
  }

  #owedAt(handle: number, nowMs: number): number {
    const paid = (nowMs - (this.#owedAtMs[handle] as number)) * (this.of(handle) - (this.#inFlight[handle] as number));
    // However long a hang lasts, no more is owed than one request in time takes.
    return Math.max(-this.#latencyMs, Math.min(0, (this.#owed[handle] as number) + paid));
  }

  #observeQuickest(handle: number, processingMs: number): void {
    this.#quickestMs[handle] = Math.max(QUICKEST_MS_MIN, Math.min(processingMs, this.#quickestMs[handle] as number));
  }

  #idleMs(handle: number): number {
    return Math.min(this.#budgetMs[handle] as number, this.#quickestMs[handle] as number);
  }

  #targetMs(handle: number): number {
    const idleMs = this.#idleMs(handle);
    return idleMs + TARGET * ((this.#budgetMs[handle] as number) - idleMs);
  }

  /** Raises the limit. `slack` is 1 for an answer of the idle instance, 0 for one at the target. */
  #grow(handle: number, slack: number, nowMs: number): void {
    (this.#owed[handle] as number) *= 1 - Math.min(1, slack);
    const speed = 1 + (nowMs - (this.#cutMs[handle] as number)) / (GROWTH_DOUBLES_LATENCIES * this.#latencyMs);
    const growth = speed * Math.min(1, slack) * this.#growthPerMs * (nowMs - (this.#heardMs[handle] as number));
    const used = USED_TIMES * ((this.#inFlight[handle] as number) + 1);
    this.#limit[handle] = this.of(handle) + Math.min(GROWTH_MOST, growth) * Math.min(this.of(handle), used);
  }

  /** Cuts the limit. `excess` is 0 for an answer at the target, 1 for one at the deadline. */
  #shrink(handle: number, excess: number, nowMs: number): void {
    const limit = this.of(handle);
    const cut = Math.min(LATE_TIMES, excess) * this.#cutPerMs * (nowMs - (this.#heardMs[handle] as number));
    this.#limit[handle] = Math.max(Math.min(limit, this.#least), limit * (1 - Math.min(CUT_MOST, cut)));
    this.#cutMs[handle] = nowMs;
  }
}
