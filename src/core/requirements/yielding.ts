// A quota comes after the latency goal: its share falls while that is missed, and comes back when there is room again. Quick to give
// away and slow to take back, so that it settles. The least important one yields first.
//
// It falls only where it is the quota that costs the latency: where the instances that serve it do no worse than the others, to ask the
// others helps none. Where everything stands still for a moment, what was on its way then is late at all of them, and chance says at
// which more: so they have to do worse by more than chance makes, of single requests and of whole steps: misses of one moment have one cause.

import type { QosTarget } from '../domain.ts';
import { FadingRatio } from './fading-ratio.ts';
import type { AttributeShare } from './requirements.ts';

/** Above ρ, the success that is too little, and the one that is more than enough. */
const SHORT_OF = 0.03;
const ENOUGH = 0.05;
/** Share of the room between ρ and 1, where that is less: a goal of 0.99 leaves no room for those. */
const SHORT_SHARE = 0.3;
const ENOUGH_SHARE = 0.5;
/** How fast the share falls, for each point that success is short; and comes back, points per second. */
const FALL_PER_SECOND = 8;
const RISE_PER_SECOND = 0.02;
/** Where fewer requests end in a second, the share falls by the request: a miss is not a worse one for being followed by nothing. */
const REQUESTS_PER_SECOND = 10;
/** Answers show what was decided so long ago: where τ is longer than this, all of it is as much slower. */
const LATENCY_MS = 400;
/** What is older says little of now, of the instances that do not serve the share less still: they may get little. */
const HALF_LIFE_MS = 2000;
/** Requests, fading, that a ratio has to be made of before it is believed. */
const REQUESTS_MIN = 5;
/** And those that it is made of at the least, however old: fewer do not distinguish need from chance. */
const REQUESTS_KEPT = 40;
/** What the others have to do better by, in standard errors of the difference: chance makes as much one time in fifteen. */
const ERRORS_MIN = 1.5;

/** About so many of the last requests speak of where requests go. */
const SERVED_KEPT = 1 - 1 / 16;
/** Where so much more than the share goes to those that serve it, requests would go there without it. */
const OWN_WILL = 0.1;

export class Yielding {
  readonly #wanted: readonly AttributeShare[];
  /** Success that is too little. */
  readonly shortOf: number;
  readonly #enough: number;
  /** What each share is held to now. */
  readonly shares: Float64Array;
  readonly #slowness: number;
  readonly #success: FadingRatio;
  /** Requests that ended since the last step. */
  #ended = 0;
  /** Success at the instances that serve each share, and at the others; indexed by share. */
  readonly #inside: readonly FadingRatio[];
  readonly #outside: readonly FadingRatio[];
  /** The part of the last requests that went to instances that serve each share, in [0, 1]. */
  readonly #served: Float64Array;

  constructor(wanted: readonly AttributeShare[], { successRatio, latencyMs }: QosTarget) {
    this.#wanted = wanted;
    this.#slowness = Math.max(1, latencyMs / LATENCY_MS);
    const halfLifeMs = HALF_LIFE_MS * this.#slowness;
    this.#success = new FadingRatio(halfLifeMs, REQUESTS_KEPT);
    const room = 1 - successRatio;
    this.shortOf = successRatio + Math.min(SHORT_OF, SHORT_SHARE * room);
    this.#enough = successRatio + Math.min(ENOUGH, ENOUGH_SHARE * room);
    this.shares = Float64Array.from(wanted, ({ share }) => share);
    this.#inside = wanted.map(() => new FadingRatio(halfLifeMs, REQUESTS_MIN + 1));
    this.#outside = wanted.map(() => new FadingRatio(halfLifeMs));
    this.#served = Float64Array.from(this.shares);
  }

  /** Counts `total` ended requests, `good` of them in time, at instances that serve the shares of these bits. */
  record(bits: number, total: number, good: number): void {
    this.#success.add(total, good);
    this.#ended += total;
    for (let k = 0; k < this.#wanted.length; k++) {
      const side = (bits & (1 << k)) === 0 ? this.#outside : this.#inside;
      (side[k] as FadingRatio).add(total, good);
      const served = this.#served[k] as number;
      this.#served[k] = served + (1 - SERVED_KEPT ** total) * (Number(side === this.#inside) - served);
    }
  }

  /** Takes a step, `seconds` after the last. `mayFall`: what comes after the shares has given way already. */
  step(seconds: number, mayFall: boolean): void {
    const { ratio, weight } = this.#success;
    const known = weight >= REQUESTS_MIN;
    const fallS = Math.min(seconds, this.#ended / REQUESTS_PER_SECOND) / this.#slowness;
    if (known && ratio < this.shortOf && mayFall) this.#fall(FALL_PER_SECOND * fallS * (this.shortOf - ratio));
    else if (known && ratio >= this.#enough) this.#rise(RISE_PER_SECOND * seconds);
    this.#ended = 0;
    for (const one of this.#ratios()) one.fade(seconds * 1000);
  }

  /** Success lately; NaN before the first request. */
  get success(): number {
    return this.#success.ratio;
  }

  /** Whether some share is held below what is asked for. */
  get isHeldBack(): boolean {
    for (const [k, { share }] of this.#wanted.entries()) if ((this.shares[k] as number) < share) return true;
    return false;
  }

  clear(): void {
    this.#wanted.forEach(({ share }, k) => {
      this.shares[k] = share;
    });
    for (const one of this.#ratios()) one.clear();
    this.#served.set(this.shares);
    this.#ended = 0;
  }

  #ratios(): readonly FadingRatio[] {
    return [this.#success, ...this.#inside, ...this.#outside];
  }

  #fall(by: number): void {
    for (let k = this.#wanted.length - 1; k >= 0; k--) {
      const share = this.shares[k] as number;
      if (share === 0 || !this.#costsLatency(k)) continue;
      this.shares[k] = Math.max(0, share - by);
      return;
    }
  }

  /** Whether the other instances do better than those that serve share `k`, or too little is known of them. */
  #costsLatency(k: number): boolean {
    const inside = this.#inside[k] as FadingRatio;
    const outside = this.#outside[k] as FadingRatio;
    if (inside.weight < REQUESTS_MIN || this.#isOwnWill(k)) return false;
    return outside.weight < 1 || outside.ratio - inside.ratio > ERRORS_MIN * errorOf(inside, outside);
  }

  /** Whether as many requests would go there without the share; one held back already is followed with a delay. */
  #isOwnWill(k: number): boolean {
    const { share } = this.#wanted[k] as AttributeShare;
    return this.shares[k] === share && (this.#served[k] as number) > share + OWN_WILL;
  }

  #rise(by: number): void {
    for (const [k, { share }] of this.#wanted.entries()) {
      const held = this.shares[k] as number;
      if (held >= share) continue;
      this.shares[k] = Math.min(share, held + by);
      return;
    }
  }
}

/** Standard error of the difference of two shares that are the same in truth, by what requests differ or whole steps do, whichever is more. */
function errorOf(one: FadingRatio, other: FadingRatio): number {
  const ratio = (one.ratio * one.weight + other.ratio * other.weight) / (one.weight + other.weight);
  const ofRequests = ratio * (1 - ratio);
  const variance = (of: FadingRatio): number => Math.max(ofRequests / of.weight, of.stepVariance);
  return Math.sqrt(variance(one) + variance(other));
}
