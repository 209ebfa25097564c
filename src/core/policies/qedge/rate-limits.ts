// How the limit on the rate that one instance is sent moves, in the way of TCP Vegas, Swift and BBR. An answer that came well before its
// deadline lets it grow, one that came near it cuts it, each for the time since the answer before it: where the limit settles must not
// depend on how many answers there are. One that came too late cuts it once a round, so that a cut shows before the next one. Latency
// is the signal, since misses come when it is too late. It is also the same for all that share the instance, which therefore refuse
// alike without a word between them.
//
// What is late waits in a queue, and while there is one the instance answers as fast as it can. That rate is what this load balancer may
// have of it, so the limit comes back to it at once when the first answer is in time again: by growth alone the instance would idle
// for as long as the queue took to drain, and be unknown for longer where requests are few.
//
// Rates are kept by token buckets: requests that are spaced out find shorter queues than as many at random.

import type { Candidate } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';

/** The latency aimed at lies so far on the way from that of the idle instance to the deadline. */
const TARGET = 0.65;
/** What an idle instance takes is the quickest answer in time, which counts for so much more with each second that has answers. */
const QUICKEST_RISE_SECOND = 0.02;
/** Round trips are measured with an error, and an answer may come sooner than its round trip: nothing rises from less than this, ms. */
const QUICKEST_MS_MIN = 0.1;
/** Growth of a limit: at most so much an answer, a second, and a τ (feedback takes as long, and quicker growth oscillates). */
const GROWTH_MOST = 0.5;
const GROWTH_SECOND = 2;
const GROWTH_DEADLINE = 0.15;
/** A limit above so many times what the instance answers grows as slowly as one of that size: what is not used shows nothing. */
const USED_TIMES = 2;
/** It doubles after so many τ without a cut, and so on: what comes back is there at once. */
const GROWTH_DOUBLES_LATENCIES = 10;
/** The cut by an answer after the deadline, and the most by one before it; of answers at the deadline, a second, and a τ. */
const CUT = 0.3;
const CUT_SECOND = 3;
const CUT_DEADLINE = 0.3;
/** Share of what it answered while it was late that is sent there again at once. */
const CARRIED_SHARE = 0.85;
/** Requests that an idle limit saves up at the most, and that are owed. */
const BURST = 2;

/** How an attempt ended, in ms. */
export interface EndedAttempt {
  readonly processingMs: number;
  /** What the deadline leaves for processing. */
  readonly budgetMs: number;
  readonly startMs: number;
  readonly nowMs: number;
}

export class RateLimits {
  readonly #stepMs: number;
  readonly #latencyMs: number;
  readonly #growthPerMs: number;
  readonly #cutPerMs: number;
  readonly #quickestRise: number;
  /** Requests a step at the most; +Infinity for no limit. By handle, as all that follows. */
  #limit: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** What may still be sent now. */
  #room: Float64Array<ArrayBuffer> = new Float64Array(0);
  #roomAtMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** When the limit was cut, when a round began, and when an answer came that it was measured by. */
  #cutMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  #roundMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  #heardMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Since when nothing came back of what was sent in this round; +Infinity when something did. */
  #silentMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** What an idle instance takes; +Infinity before the first answer in time. */
  #quickestMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Attempts that end there a step, and that rate while they were late; 0 once the limit came back to it. */
  #served: Float64Array<ArrayBuffer> = new Float64Array(0);
  #servedNow: Float64Array<ArrayBuffer> = new Float64Array(0);
  #carries: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Instances that have a limit. */
  #count = 0;
  /** The least limit: what shows that there is room again. */
  #least = 0;

  /** `latencyMs`: τ. */
  constructor(stepMs: number, latencyMs: number) {
    this.#stepMs = stepMs;
    this.#latencyMs = latencyMs;
    this.#growthPerMs = Math.min(GROWTH_SECOND / 1000, GROWTH_DEADLINE / latencyMs);
    this.#cutPerMs = Math.min(CUT_SECOND / 1000, CUT_DEADLINE / latencyMs);
    this.#quickestRise = 1 + (QUICKEST_RISE_SECOND / 1000) * stepMs;
  }

  ensureHandles(handles: number): void {
    this.#limit = grownFloat64(this.#limit, handles, Number.POSITIVE_INFINITY);
    this.#room = grownFloat64(this.#room, handles);
    this.#roomAtMs = grownFloat64(this.#roomAtMs, handles);
    this.#cutMs = grownFloat64(this.#cutMs, handles);
    this.#roundMs = grownFloat64(this.#roundMs, handles);
    this.#heardMs = grownFloat64(this.#heardMs, handles);
    this.#silentMs = grownFloat64(this.#silentMs, handles, Number.POSITIVE_INFINITY);
    this.#quickestMs = grownFloat64(this.#quickestMs, handles, Number.POSITIVE_INFINITY);
    this.#served = grownFloat64(this.#served, handles);
    this.#servedNow = grownFloat64(this.#servedNow, handles);
    this.#carries = grownFloat64(this.#carries, handles);
  }

  forget(handle: number): void {
    this.lift(handle);
    this.#quickestMs[handle] = Number.POSITIVE_INFINITY;
    this.#served[handle] = 0;
    this.#servedNow[handle] = 0;
  }

  /** Some instance has a limit. */
  get any(): boolean {
    return this.#count > 0;
  }

  has(handle: number): boolean {
    return this.#limit[handle] !== Number.POSITIVE_INFINITY;
  }

  /** Requests a step at the most; +Infinity for no limit. */
  of(handle: number): number {
    return this.#limit[handle] as number;
  }

  hasRoom(handle: number, nowMs: number): boolean {
    return !this.has(handle) || this.#roomAt(handle, nowMs) >= 1;
  }

  /** A request goes there. */
  send(handle: number, nowMs: number): void {
    if (!this.has(handle)) return;
    if (nowMs - (this.#silentMs[handle] as number) > this.#latencyMs) this.#beginRound(handle, nowMs);
    // Sessions and retries go there without asking: what they owe is bounded, as what an idle limit saves.
    this.#room[handle] = Math.max(-BURST, this.#roomAt(handle, nowMs) - 1);
    this.#roomAtMs[handle] = nowMs;
    this.#silentMs[handle] = Math.min(nowMs, this.#silentMs[handle] as number);
  }

  /** An attempt ended there. */
  end(handle: number, { processingMs, budgetMs, startMs, nowMs }: EndedAttempt): void {
    const inTime = processingMs <= budgetMs;
    (this.#servedNow[handle] as number)++;
    if (inTime) this.#observeQuickest(handle, processingMs);
    if (!this.has(handle)) return;
    if (startMs >= (this.#silentMs[handle] as number)) this.#silentMs[handle] = Number.POSITIVE_INFINITY;
    if (!inTime) this.#carries[handle] = Math.max(this.#carries[handle] as number, this.#served[handle] as number);
    const isOfRound = startMs >= (this.#roundMs[handle] as number);
    if (inTime && isOfRound) this.#comeBack(handle);
    const idleMs = Math.min(budgetMs, this.#quickestMs[handle] as number);
    const targetMs = idleMs + TARGET * (budgetMs - idleMs);
    if (processingMs <= targetMs) this.#grow(handle, (targetMs - processingMs) / Math.max(1, targetMs - idleMs), nowMs);
    else if (isOfRound && inTime)
      this.#shrink(handle, (processingMs - targetMs) / Math.max(1, budgetMs - targetMs), nowMs);
    else if (isOfRound) this.#beginRound(handle, nowMs);
    this.#heardMs[handle] = nowMs;
  }

  impose(handle: number, limit: number, nowMs: number): void {
    this.#count++;
    this.#limit[handle] = limit;
    this.#room[handle] = 0;
    this.#roomAtMs[handle] = nowMs;
    this.#cutMs[handle] = nowMs;
    this.#roundMs[handle] = nowMs;
    this.#heardMs[handle] = nowMs;
  }

  lift(handle: number): void {
    if (this.has(handle)) this.#count--;
    this.#limit[handle] = Number.POSITIVE_INFINITY;
    this.#silentMs[handle] = Number.POSITIVE_INFINITY;
    this.#carries[handle] = 0;
  }

  /** A step: rates keep the share `kept`, and no limit is below `least`. What is not a member takes its limit with it. */
  step(members: readonly Candidate[], least: number, kept: number): void {
    this.#least = least;
    let limited = 0;
    for (const { handle } of members) {
      this.#served[handle] = (this.#served[handle] as number) * kept + (this.#servedNow[handle] as number) * (1 - kept);
      if ((this.#servedNow[handle] as number) > 0) (this.#quickestMs[handle] as number) *= this.#quickestRise;
      this.#servedNow[handle] = 0;
      if (!this.has(handle)) continue;
      limited++;
      // What was asked for when the limit was made may have been next to nothing, and a factor never leads out of that.
      this.#limit[handle] = Math.max(this.#limit[handle] as number, least);
    }
    if (this.#count === limited) return;
    for (let handle = 0; handle < this.#limit.length; handle++) {
      if (this.has(handle) && !members.some((member) => member.handle === handle)) this.lift(handle);
    }
  }

  #roomAt(handle: number, nowMs: number): number {
    const limit = this.#limit[handle] as number;
    const earned = ((nowMs - (this.#roomAtMs[handle] as number)) / this.#stepMs) * limit;
    // Many slow limits that each saved up two requests would let through for long what is asked for.
    return Math.min(BURST, 1 + limit, (this.#room[handle] as number) + earned);
  }

  #observeQuickest(handle: number, processingMs: number): void {
    this.#quickestMs[handle] = Math.max(QUICKEST_MS_MIN, Math.min(processingMs, this.#quickestMs[handle] as number));
  }

  /** The queue is gone: what the instance carried while there was one is what it can be sent. */
  #comeBack(handle: number): void {
    const carried = CARRIED_SHARE * (this.#carries[handle] as number);
    this.#limit[handle] = Math.max(this.#limit[handle] as number, carried);
    this.#carries[handle] = 0;
  }

  /** `slack`: 1 for an answer of the idle instance, 0 for one at the target. */
  #grow(handle: number, slack: number, nowMs: number): void {
    const speed = 1 + (nowMs - (this.#cutMs[handle] as number)) / (GROWTH_DOUBLES_LATENCIES * this.#latencyMs);
    const growth = Math.min(GROWTH_MOST, speed * this.#growthPerMs * (nowMs - (this.#heardMs[handle] as number)));
    const limit = this.#limit[handle] as number;
    const used = USED_TIMES * Math.max(this.#served[handle] as number, this.#servedNow[handle] as number);
    this.#limit[handle] = limit + growth * Math.min(1, slack) * Math.min(limit, used);
  }

  /** `excess`: 0 for an answer at the target, 1 for one at the deadline. */
  #shrink(handle: number, excess: number, nowMs: number): void {
    this.#cut(handle, excess * Math.min(CUT, this.#cutPerMs * (nowMs - (this.#heardMs[handle] as number))), nowMs);
  }

  /** Something was late: what was sent before this cut says no more of it. */
  #beginRound(handle: number, nowMs: number): void {
    this.#cut(handle, CUT, nowMs);
    this.#roundMs[handle] = nowMs;
    this.#silentMs[handle] = Number.POSITIVE_INFINITY;
  }

  /** Takes the share `cut` away. */
  #cut(handle: number, cut: number, nowMs: number): void {
    const limit = this.#limit[handle] as number;
    this.#limit[handle] = Math.max(Math.min(limit, this.#least), limit * (1 - Math.min(1, cut)));
    this.#cutMs[handle] = nowMs;
    this.#heardMs[handle] = nowMs;
  }
}
