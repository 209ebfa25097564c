// A quota comes after the latency goal: its share falls while that is missed, and comes back when there is room again. Quick to give
// away and slow to take back, so that it settles. The least important one yields first.
//
// It falls only where it is the quota that costs the latency: where the instances that serve it do no worse than the others, to ask the
// others helps none.

import { FadingRatio } from './fading-ratio.ts';
import type { AttributeShare } from './requirements.ts';

/** Above ρ, the success that is too little, and the one that is more than enough. */
const SHORT_OF = 0.03;
const ENOUGH = 0.05;
/** Of the room between ρ and 1, where that is less: a goal of 0.99 leaves no room for those. */
const SHORT_SHARE = 0.3;
const ENOUGH_SHARE = 0.5;
/** How fast the share falls, for each point that success is short; and comes back, points per second. */
const FALL_PER_SECOND = 8;
const RISE_PER_SECOND = 0.02;
/** What is older says little of now. */
const HALF_LIFE_MS = 2000;
/** Requests, fading, that a ratio has to be made of before it is believed. */
const REQUESTS_MIN = 5;

export class Yielding {
  readonly #wanted: readonly AttributeShare[];
  readonly #shortOf: number;
  readonly #enough: number;
  /** What each share is held to now. */
  readonly shares: Float64Array;
  readonly #success = new FadingRatio(HALF_LIFE_MS);
  /** Of each share: success at instances that serve it, and at the others. */
  readonly #inside: readonly FadingRatio[];
  readonly #outside: readonly FadingRatio[];

  constructor(wanted: readonly AttributeShare[], successRatio: number) {
    this.#wanted = wanted;
    const room = 1 - successRatio;
    this.#shortOf = successRatio + Math.min(SHORT_OF, SHORT_SHARE * room);
    this.#enough = successRatio + Math.min(ENOUGH, ENOUGH_SHARE * room);
    this.shares = Float64Array.from(wanted, ({ share }) => share);
    this.#inside = wanted.map(() => new FadingRatio(HALF_LIFE_MS));
    this.#outside = wanted.map(() => new FadingRatio(HALF_LIFE_MS));
  }

  /** So many requests ended at instances that serve the shares of these bits, and so many of them in time. */
  record(bits: number, total: number, good: number): void {
    this.#success.add(total, good);
    for (let k = 0; k < this.#wanted.length; k++) {
      const side = (bits & (1 << k)) === 0 ? this.#outside : this.#inside;
      (side[k] as FadingRatio).add(total, good);
    }
  }

  /** `seconds`: since the last step. */
  step(seconds: number): void {
    const { ratio, weight } = this.#success;
    if (weight >= REQUESTS_MIN && ratio < this.#shortOf)
      this.#fall(FALL_PER_SECOND * seconds * (this.#shortOf - ratio));
    else if (weight >= REQUESTS_MIN && ratio >= this.#enough) this.#rise(RISE_PER_SECOND * seconds);
    for (const one of this.#ratios()) one.fade(seconds * 1000);
  }

  /** Some share is not what it is to be. */
  get isHeldBack(): boolean {
    for (const [k, { share }] of this.#wanted.entries()) if ((this.shares[k] as number) < share) return true;
    return false;
  }

  clear(): void {
    this.#wanted.forEach(({ share }, k) => {
      this.shares[k] = share;
    });
    for (const one of this.#ratios()) one.clear();
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

  /** The other instances do better, or too little is known of them. */
  #costsLatency(k: number): boolean {
    const inside = this.#inside[k] as FadingRatio;
    const outside = this.#outside[k] as FadingRatio;
    if (inside.weight < REQUESTS_MIN) return false;
    return outside.weight < 1 || outside.ratio > inside.ratio;
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
