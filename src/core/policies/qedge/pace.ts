// What one more request would take at an instance now: the latency of a place in its queue, times the places that this load balancer's
// own requests take there. Where the own requests make the queue, this is the queue, seen before anything is late. Where others make
// it, the pace holds their load, and the own requests in flight show which instance was chosen too often just now.
//
// A place is learned as the ratio Σ x / Σ (ahead + 1) over the last attempts, which needs no idle instance and no law of the work: heavy
// tails and other services' load are in it.
//
// The oldest request in flight is partly done, by its age. That tells equal counts apart, and what is only on its way back counts less; whether
// an instance is full is asked of the count alone.
//
// What chance makes of these ratios is no difference: each is drawn to that of all, by as many places as it takes for the ratios to
// differ by more than the attempts behind them do (the credibility of Bühlmann and Straub, 1970). Where nothing is known to differ, the
// fewest in flight decide, as with least-connections.
//
// A place delays those that come behind it as well, as many as a request finds before it on the average: in a queue that is a fixed point.
// Where the work is alike the queue is gone before they come, and one at the most is counted. Where its tail is heavy, what is
// left of the work in service, as a newcomer finds it, is longer than a place (by 1 + (cv² − 1) / 2), and with it the queue lasts. All that
// holds as far as the queue is the own one: where others come and go, what an attempt takes differs by them.

import type { Candidate } from '../../domain.ts';
import { grownFloat64 } from '../../stats/grown.ts';

/** The older attempts fade, each by this factor with every new one, so that about the last 128 speak, and by half in this time. */
const KEPT = 1 - 1 / 128;
const HALF_LIFE_MS = 5_000;
/** A place takes no less, ms: round trips are measured with an error, and an answer may come sooner than its round trip. */
const PLACE_MS_MIN = 0.1;
/**
 * All together count as no more own places than this, though chance explains all differences: the first late answers are no chance where
 * an instance has just begun to fail, and 128 leave it half a second later with five requests a second.
 */
const COMMON_PLACES_MAX = 10;
/**
 * The share of its place that the oldest request in flight has given up when it is as old as all in flight there take. Work that never varies
 * would be done then, work without memory is as long again. At three times that age it is a long one, of which nothing is known.
 */
const DONE_SHARE = 0.5;
const LONG_AGE = 3;
/** Attempts beyond the first of each instance that it takes to tell chance from a difference. */
const FREEDOM_NEEDED = 2;
/** A place and one more behind it. */
const BURDEN_MIN = 2;
/** An instance without an answer for so long, and without a request of this event loop under way, is unknown. */
const STALE_MS = 10_000;

export interface PaceState {
  readonly sumMs: number;
  readonly places: number;
  readonly squares: number;
  readonly count: number;
  readonly crossed: number;
  readonly placesSquared: number;
  /** Time since the last attempt ended there, ms. */
  readonly ageMs: number;
}

export class Pace {
  /** Σ x and Σ (ahead + 1), indexed by handle. */
  #sumMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  #places: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Σ x² / (ahead + 1) and the attempts, faded alike: by how much attempts at the same instance differ. */
  #squares: Float64Array<ArrayBuffer> = new Float64Array(0);
  #count: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Σ x (ahead + 1) and Σ (ahead + 1)², faded alike: by how much an attempt takes longer with each of the own requests that it finds. */
  #crossed: Float64Array<ArrayBuffer> = new Float64Array(0);
  #placesSquared: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** What a place takes at all instances together, and how many such places draw each to it, by the last step. */
  #commonMs = 0;
  #commonPlaces = 0;
  /** What a place costs all, as a multiple of what it takes: itself, and those behind it. By the last step. */
  #burden = BURDEN_MIN;
  /** When the last attempt ended there, ms. */
  #heardMs: Float64Array<ArrayBuffer> = new Float64Array(0);

  ensureHandles(handles: number): void {
    this.#sumMs = grownFloat64(this.#sumMs, handles);
    this.#places = grownFloat64(this.#places, handles);
    this.#squares = grownFloat64(this.#squares, handles);
    this.#crossed = grownFloat64(this.#crossed, handles);
    this.#placesSquared = grownFloat64(this.#placesSquared, handles);
    this.#count = grownFloat64(this.#count, handles);
    this.#heardMs = grownFloat64(this.#heardMs, handles, Number.NEGATIVE_INFINITY);
  }

  forget(handle: number): void {
    this.#sumMs[handle] = 0;
    this.#places[handle] = 0;
    this.#squares[handle] = 0;
    this.#count[handle] = 0;
    this.#crossed[handle] = 0;
    this.#placesSquared[handle] = 0;
    this.#heardMs[handle] = Number.NEGATIVE_INFINITY;
  }

  /** Takes in an attempt that found `ahead` others of this load balancer in flight there and took `processingMs`. */
  observe(handle: number, ahead: number, processingMs: number, nowMs: number): void {
    const kept = KEPT * 0.5 ** ((nowMs - (this.#heardMs[handle] as number)) / HALF_LIFE_MS);
    this.#heardMs[handle] = nowMs;
    const places = ahead + 1;
    const tookMs = Math.max(PLACE_MS_MIN * places, processingMs);
    this.#sumMs[handle] = (this.#sumMs[handle] as number) * kept + tookMs;
    this.#places[handle] = (this.#places[handle] as number) * kept + places;
    this.#squares[handle] = (this.#squares[handle] as number) * kept + tookMs ** 2 / places;
    this.#count[handle] = (this.#count[handle] as number) * kept + 1;
    this.#crossed[handle] = (this.#crossed[handle] as number) * kept + tookMs * places;
    this.#placesSquared[handle] = (this.#placesSquared[handle] as number) * kept + places ** 2;
  }

  /** Takes a decision step: measures how far instances differ, beside what attempts at each of them do. */
  step(members: readonly Candidate[]): void {
    let [known, sumMs, places, placesSquared, within, freedom] = [0, 0, 0, 0, 0, 0];
    let [attempts, queued, together, varied] = [0, 0, 0, 0];
    for (const { handle, rttMs } of members) {
      const own = this.#places[handle] as number;
      if (own === 0) continue;
      const ownMs = this.#sumMs[handle] as number;
      const count = this.#count[handle] as number;
      known++;
      attempts += count;
      together += (this.#crossed[handle] as number) - (ownMs * own) / count;
      varied += (this.#placesSquared[handle] as number) - own ** 2 / count;
      // The rest of those in flight are on their way.
      queued += (own * ownMs) / (ownMs + rttMs * count);
      sumMs += ownMs;
      places += own;
      placesSquared += own ** 2;
      within += Math.max(0, (this.#squares[handle] as number) - ownMs ** 2 / own);
      freedom += Math.max(0, count - 1);
    }
    this.#commonPlaces = 0;
    this.#burden = BURDEN_MIN;
    if (known < 2 || freedom < FREEDOM_NEEDED) return;
    this.#commonMs = sumMs / places;
    const noise = within / freedom;
    const tail = Math.max(0, Math.min(1, (noise / this.#commonMs ** 2 - 1) / 2));
    // How much longer an attempt takes per own one before it, in places: 1 where the queue is the own one alone.
    const share = varied > 0 ? Math.max(0, Math.min(1, together / varied / this.#commonMs)) : 0;
    this.#burden += share * tail * Math.max(0, queued / attempts - 1);
    const apart = this.#apart(members, this.#commonMs) - (known - 1) * noise;
    const spread = apart / (places - placesSquared / places);
    this.#commonPlaces = spread > 0 ? Math.min(COMMON_PLACES_MAX, noise / spread) : COMMON_PLACES_MAX;
  }

  /** Whether some attempt ended there. */
  knows(handle: number): boolean {
    return (this.#places[handle] as number) > 0;
  }

  /** Returns the processing latency to expect of one more request, ms; NaN when unknown. `idleMs`: if it were idle. */
  expectedMs(candidate: Candidate, idleMs: number, nowMs: number): number {
    return this.#placeMs(candidate, idleMs, nowMs) * (candidate.inFlight + 1);
  }

  /**
   * What one more request there costs all that go there, the round trip left out: its place and those that are left of the ones before it,
   * and what it delays. NaN: unknown.
   */
  costMs(candidate: Candidate, idleMs: number, nowMs: number): number {
    const placeMs = this.#placeMs(candidate, idleMs, nowMs);
    const { rttMs, inFlight, oldestStartMs } = candidate;
    const isIdle = oldestStartMs === Number.POSITIVE_INFINITY;
    const age = isIdle ? 0 : (nowMs - oldestStartMs) / (rttMs + placeMs * inFlight);
    const done = DONE_SHARE * Math.max(0, Math.min(age, (LONG_AGE - age) / (LONG_AGE - 1)));
    return this.#burden * placeMs * (inFlight + 1 - done);
  }

  /** Returns what survives a restart. */
  snapshot(handle: number, nowMs: number): PaceState {
    return {
      sumMs: this.#sumMs[handle] as number,
      places: this.#places[handle] as number,
      squares: this.#squares[handle] as number,
      count: this.#count[handle] as number,
      crossed: this.#crossed[handle] as number,
      placesSquared: this.#placesSquared[handle] as number,
      ageMs: Math.min(STALE_MS + 1, nowMs - (this.#heardMs[handle] as number)),
    };
  }

  restore(handle: number, { ageMs, ...sums }: PaceState, nowMs: number): void {
    this.#sumMs[handle] = sums.sumMs;
    this.#places[handle] = sums.places;
    this.#squares[handle] = sums.squares;
    this.#count[handle] = sums.count;
    this.#crossed[handle] = sums.crossed;
    this.#placesSquared[handle] = sums.placesSquared;
    this.#heardMs[handle] = nowMs - ageMs;
  }

  /** Returns what each place in the queue there takes, ms; NaN when unknown. */
  #placeMs({ handle, oldestStartMs }: Candidate, idleMs: number, nowMs: number): number {
    // Own requests alone count here: nothing is learned of those of other event loops, however many there are.
    const isIdle = oldestStartMs === Number.POSITIVE_INFINITY;
    if (isIdle && nowMs - (this.#heardMs[handle] as number) > STALE_MS) return Number.NaN;
    const sumMs = idleMs + this.#commonPlaces * this.#commonMs + (this.#sumMs[handle] as number);
    return sumMs / (1 + this.#commonPlaces + (this.#places[handle] as number));
  }

  /** Returns the squared distances of the ratios from that of all, weighted by places. */
  #apart(members: readonly Candidate[], commonMs: number): number {
    let apart = 0;
    for (const { handle } of members) {
      const own = this.#places[handle] as number;
      if (own > 0) apart += own * ((this.#sumMs[handle] as number) / own - commonMs) ** 2;
    }
    return apart;
  }
}
