// Goodput under overload: where all instances in reach are full, one more request makes every other late, and none is answered in
// time. So each load balancer limits the rate that it sends to an instance by how its own requests fare there. Increase and decrease
// are both in proportion, since rates differ a thousandfold. What no instance has room for is refused at once, whichever client
// sent it: each loses the same share.

import type { Candidate } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';

/** Below this success at an instance the rate sent there falls: to between these two shares of it, by how much is lacking. */
const SUCCESS_MIN = 0.6;
const KEPT_LEAST = 0.7;
const KEPT_MOST = 0.95;
/** Above this it grows. */
const SUCCESS_WELL = 0.8;
const GROWTH = 1.1;
/** The least limit, requests a step: what shows that there is room again. */
const LIMIT_MIN = 0.05;
/** A limit of so many times what is asked for is none. */
const LIMIT_OFF = 4;
/** Rates are measured over about so many steps. */
const RATE_KEPT = 0.5;
/** Requests that an idle limit saves up. */
const BURST = 2;
/** How fast success is forgotten, a step, and how many attempts have to speak. */
const ENDED_KEPT = 0.5;
const ENDED_MIN = 1;

export class Shedding {
  /** Requests a step at the most; +Infinity for no limit. By handle. */
  #limit: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** What may still be sent now. */
  #room: Float64Array<ArrayBuffer> = new Float64Array(0);
  #roomAtMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Requests a step that were sent there, and that were asked for in all. */
  #sent: Float64Array<ArrayBuffer> = new Float64Array(0);
  #sentNow: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Attempts that ended there lately, and those of them that were in time. */
  #ended: Float64Array<ArrayBuffer> = new Float64Array(0);
  #good: Float64Array<ArrayBuffer> = new Float64Array(0);
  #asked = 0;
  #askedNow = 0;
  readonly #stepMs: number;

  constructor(stepMs: number) {
    this.#stepMs = stepMs;
  }

  ensureHandles(handles: number): void {
    this.#limit = grownFloat64(this.#limit, handles, Number.POSITIVE_INFINITY);
    this.#room = grownFloat64(this.#room, handles);
    this.#roomAtMs = grownFloat64(this.#roomAtMs, handles);
    this.#sent = grownFloat64(this.#sent, handles);
    this.#ended = grownFloat64(this.#ended, handles);
    this.#good = grownFloat64(this.#good, handles);
    this.#sentNow = grownFloat64(this.#sentNow, handles);
  }

  forget(handle: number): void {
    this.#limit[handle] = Number.POSITIVE_INFINITY;
    this.#sent[handle] = 0;
    this.#sentNow[handle] = 0;
  }

  /** A request came. */
  ask(): void {
    this.#askedNow++;
  }

  hasRoom(handle: number, nowMs: number): boolean {
    const limit = this.#limit[handle] as number;
    if (limit === Number.POSITIVE_INFINITY) return true;
    const earned = ((nowMs - (this.#roomAtMs[handle] as number)) / this.#stepMs) * limit;
    this.#room[handle] = Math.min(BURST, (this.#room[handle] as number) + earned);
    this.#roomAtMs[handle] = nowMs;
    return (this.#room[handle] as number) >= 1;
  }

  /** A request goes there. */
  send(handle: number): void {
    (this.#sentNow[handle] as number)++;
    if (this.#limit[handle] !== Number.POSITIVE_INFINITY) (this.#room[handle] as number)--;
  }

  /** An attempt ended there. */
  end(handle: number, success: boolean): void {
    (this.#ended[handle] as number)++;
    if (success) (this.#good[handle] as number)++;
  }

  /** A decision step: limits follow success. */
  step(members: readonly Candidate[], nowMs: number): void {
    this.#asked = this.#asked * RATE_KEPT + this.#askedNow * (1 - RATE_KEPT);
    this.#askedNow = 0;
    for (const { handle } of members) {
      const sent = (this.#sent[handle] as number) * RATE_KEPT + (this.#sentNow[handle] as number) * (1 - RATE_KEPT);
      this.#sent[handle] = sent;
      this.#sentNow[handle] = 0;
      if ((this.#ended[handle] as number) >= ENDED_MIN) this.#follow(handle, nowMs);
      (this.#ended[handle] as number) *= ENDED_KEPT;
      (this.#good[handle] as number) *= ENDED_KEPT;
    }
  }

  #follow(handle: number, nowMs: number): void {
    const success = (this.#good[handle] as number) / (this.#ended[handle] as number);
    const limit = this.#limit[handle] as number;
    const sent = this.#sent[handle] as number;
    if (success < SUCCESS_MIN && sent > 0) {
      const kept = Math.min(KEPT_MOST, Math.max(KEPT_LEAST, success / SUCCESS_MIN));
      if (limit === Number.POSITIVE_INFINITY) this.#roomAtMs[handle] = nowMs;
      this.#limit[handle] = Math.max(LIMIT_MIN, Math.min(limit, sent) * kept);
    } else if (success > SUCCESS_WELL && limit !== Number.POSITIVE_INFINITY) {
      const grown = limit * GROWTH;
      this.#limit[handle] = grown > LIMIT_OFF * this.#asked ? Number.POSITIVE_INFINITY : grown;
    }
  }
}
