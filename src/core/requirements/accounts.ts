// Each client's account of what is asked for beside the latency goal, over the window: a row of sums for each client, and row 0 for all
// together. Seconds in which the service could be had are counted apart, over the longer time that their requirement names.

import type { EndedRequest } from '../domain.ts';
import { grownFloat64 } from '../stats/grown.ts';
import { WindowSums } from '../stats/window-sums.ts';
import { meanLevel, type Rates, type RequirementLevel, rateLevel, shareLevel } from './level.ts';
import { type Requirements, SHARES_MAX } from './requirements.ts';

/** The row of all clients together. */
export const ALL = 0;

const REQUESTS = 0;
const FAILED = 1;
const LATENCY_MS = 2;
/** The first of the columns of attribute shares, one each: requests that an instance with the attributes answered. */
const FIRST_SHARE = 3;

/**
 * What the window has too much of the mean latency is to be made good within so much of its requests: fewer than what a share of four fifths
 * leaves free.
 */
const MADE_GOOD_WITHIN = 1 / 8;
/** Columns for the buckets before the current one: latency and number of their answers, and the current bucket. */
const EARLIER_MS = 0;
const EARLIER_ANSWERS = 1;
const EARLIER_THAN = 2;
const EARLIER_COLUMNS = 3;

const ASKED_SECONDS = 0;
const GOOD_SECONDS = 1;

/** The bit of a request that failed, above the bits of the attribute shares that its instance serves. */
export const IS_FAILED = 1 << SHARES_MAX;
/** The bit of a request that missed its own limit but not the service's, which is a matter of its client alone. */
export const IS_OWN = 2 << SHARES_MAX;

export class Accounts {
  readonly #asked: Requirements;
  /** The number of attribute shares. */
  readonly #shares: number;
  readonly #sums: WindowSums;
  /** The seconds of each row; null where no availability is asked for. */
  readonly #seconds: WindowSums | null;
  /** The second that is not over yet, NaN for none, and whether the service could be had in it; indexed by row. */
  #second: Float64Array<ArrayBuffer> = new Float64Array(0);
  #isGood: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** The mean latency that is asked for, ms; +Infinity for none. */
  readonly #meanMs: number;
  #earlier: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** How long the next answer of each row may take, ms, for the mean latency to hold. */
  #allowanceMs: Float64Array<ArrayBuffer> = new Float64Array(0);
  /**
   * What is yet to be added to the row of all: requests by how they ended, and the time of the answers. With each one added there a request
   * costs as much again.
   */
  readonly #waiting = new Float64Array(2 << SHARES_MAX);
  #waitingMs = 0;
  /** The bucket that requests are counted in now: until when, and where it is in the row of all. */
  #bucketEndMs = Number.NEGATIVE_INFINITY;
  #epoch = 0;
  #atOfAll = 0;

  constructor(asked: Requirements, windowMs: number) {
    this.#asked = asked;
    this.#shares = asked.shares.length;
    this.#meanMs = asked.meanLatencyMs ?? Number.POSITIVE_INFINITY;
    this.#sums = new WindowSums(windowMs, FIRST_SHARE + asked.shares.length);
    this.#seconds = asked.availability === null ? null : new WindowSums(asked.availability.overMs, 2);
  }

  ensureRows(rows: number): void {
    if (rows <= this.#sums.rows) return;
    this.#sums.ensureRows(rows);
    this.#earlier = grownFloat64(this.#earlier, this.#sums.rows * EARLIER_COLUMNS, Number.NaN);
    this.#allowanceMs = grownFloat64(this.#allowanceMs, this.#sums.rows, Number.POSITIVE_INFINITY);
  }

  /** Counts a request for its row, and for all unless it is the client's own matter. `how` combines the bits above. */
  record(row: number, request: EndedRequest, how: number, nowMs: number): void {
    if (!(nowMs < this.#bucketEndMs)) this.#beginBucket(nowMs);
    const isOwn = (how & IS_OWN) !== 0;
    if (!isOwn) {
      (this.#waiting[how] as number)++;
      if ((how & IS_FAILED) === 0) this.#waitingMs += request.latencyMs;
    }
    if (row === ALL) this.#addWaiting();
    const at = row === ALL ? this.#atOfAll : this.#sums.atEpoch(row, this.#epoch);
    if (row !== ALL) this.#add(at, request, how);
    if (this.#meanMs !== Number.POSITIVE_INFINITY) this.#allow(row, at);
    if (this.#seconds === null) return;
    const isGood = (how & IS_FAILED) === 0;
    if (!isOwn) this.#countSecond(this.#seconds, ALL, isGood, nowMs);
    if (row !== ALL) this.#countSecond(this.#seconds, row, isGood, nowMs);
  }

  #beginBucket(nowMs: number): void {
    this.#addWaiting();
    const sums = this.#sums;
    this.#epoch = sums.epochOf(nowMs);
    this.#bucketEndMs = sums.endMs(this.#epoch);
    this.#atOfAll = sums.atEpoch(ALL, this.#epoch);
  }

  #add(at: number, { latencyMs }: EndedRequest, how: number): void {
    const sums = this.#sums;
    sums.add(at, REQUESTS, 1);
    if ((how & IS_FAILED) !== 0) {
      sums.add(at, FAILED, 1);
      return;
    }
    sums.add(at, LATENCY_MS, latencyMs);
    const shares = this.#shares;
    for (let k = 0; k < shares; k++) if ((how & (1 << k)) !== 0) sums.add(at, FIRST_SHARE + k, 1);
  }

  #addWaiting(): void {
    const sums = this.#sums;
    const at = this.#atOfAll;
    for (let how = 0; how < this.#waiting.length; how++) {
      const requests = this.#waiting[how] as number;
      if (requests === 0) continue;
      this.#waiting[how] = 0;
      sums.add(at, REQUESTS, requests);
      if ((how & IS_FAILED) !== 0) {
        sums.add(at, FAILED, requests);
        continue;
      }
      for (let k = 0; k < this.#shares; k++) if ((how & (1 << k)) !== 0) sums.add(at, FIRST_SHARE + k, requests);
    }
    sums.add(at, LATENCY_MS, this.#waitingMs);
    this.#waitingMs = 0;
  }

  /**
   * What the next answer of the row may take, ms, as of its last one: the mean that is asked for, and what the window has left of it or has too
   * much of, spread over the requests to come. +Infinity: as long as it likes.
   */
  allowanceMs(row: number): number {
    // Not `?? Infinity`: what may be a number or nothing is put on the heap.
    return row < this.#allowanceMs.length ? (this.#allowanceMs[row] as number) : Number.POSITIVE_INFINITY;
  }

  #allow(row: number, at: number): void {
    const from = row * EARLIER_COLUMNS;
    const earlier = this.#earlier;
    if (earlier[from + EARLIER_THAN] !== this.#epoch) this.#sumEarlier(row, from);
    const sums = this.#sums;
    const answers = (earlier[from + EARLIER_ANSWERS] as number) + sums.value(at, REQUESTS) - sums.value(at, FAILED);
    const leftMs = this.#meanMs * answers - (earlier[from + EARLIER_MS] as number) - sums.value(at, LATENCY_MS);
    this.#allowanceMs[row] = this.#meanMs + leftMs / Math.max(1, MADE_GOOD_WITHIN * answers);
  }

  #sumEarlier(row: number, from: number): void {
    const sums = this.#sums;
    const earlier = this.#earlier;
    earlier[from + EARLIER_MS] = sums.sumBefore(row, LATENCY_MS, this.#epoch);
    earlier[from + EARLIER_ANSWERS] =
      sums.sumBefore(row, REQUESTS, this.#epoch) - sums.sumBefore(row, FAILED, this.#epoch);
    earlier[from + EARLIER_THAN] = this.#epoch;
  }

  /** Counts an answer as failed after all. */
  fail(row: number, nowMs: number): void {
    this.ensureRows(row + 1);
    if (row === ALL) this.#addWaiting();
    this.#sums.add(this.#sums.at(row, nowMs), FAILED, 1);
  }

  clear(row: number): void {
    if (row === ALL) {
      this.#bucketEndMs = Number.NEGATIVE_INFINITY;
      this.#waiting.fill(0);
      this.#waitingMs = 0;
    }
    if (row < this.#sums.rows) {
      this.#sums.clear(row);
      this.#earlier[row * EARLIER_COLUMNS + EARLIER_THAN] = Number.NaN;
      this.#allowanceMs[row] = Number.POSITIVE_INFINITY;
    }
    if (this.#seconds !== null && row < this.#seconds.rows) this.#seconds.clear(row);
    if (row < this.#second.length) this.#second[row] = Number.NaN;
  }

  /** Returns the levels of what is asked for beside the latency goal, the most important first. Cold path. */
  levels(row: number, nowMs: number): readonly RequirementLevel[] {
    const { meanLatencyMs, reliabilityRatio, availability, throughputPerSecondMin, shares } = this.#asked;
    if (row === ALL) this.#addWaiting();
    const requests = this.#sums.sum(row, REQUESTS, nowMs);
    // A stream that breaks off after the window is a failure of a request that is not in it any more.
    const answered = Math.max(0, requests - this.#sums.sum(row, FAILED, nowMs));
    const coveredS = this.#sums.coveredMs(nowMs) / 1000;
    const rates = { asked: requests / coveredS, answered: answered / coveredS };
    return [
      ...(meanLatencyMs === null
        ? []
        : [meanLevel('mean-latency', this.#meanLatencyMs(row, answered, nowMs), meanLatencyMs)]),
      ...(reliabilityRatio === null ? [] : [shareLevel('reliability', answered / requests, reliabilityRatio)]),
      ...(availability === null
        ? []
        : [shareLevel('availability', this.#availability(row, nowMs), availability.share)]),
      ...(throughputPerSecondMin === null ? [] : [this.#throughput(row, rates, throughputPerSecondMin)]),
      ...shares.map(({ name, share }, k) =>
        shareLevel(name, this.#sums.sum(row, FIRST_SHARE + k, nowMs) / answered, share),
      ),
    ];
  }

  #meanLatencyMs(row: number, answered: number, nowMs: number): number {
    return answered === 0 ? Number.NaN : this.#sums.sum(row, LATENCY_MS, nowMs) / answered;
  }

  /** Throughput is owed to each client: what all get together says nothing. */
  #throughput(row: number, rates: Rates, goal: number): RequirementLevel {
    const requirement = 'throughput';
    return row === ALL ? { requirement, level: null, goal, strain: 0 } : rateLevel(requirement, rates, goal);
  }

  /** Returns the share of the seconds with requests that had an answer; NaN without any. */
  #availability(row: number, nowMs: number): number {
    if (this.#seconds === null) return Number.NaN;
    const second = this.#second[row] ?? Number.NaN;
    const isOver = second < Math.floor(nowMs / 1000);
    const asked = this.#seconds.sum(row, ASKED_SECONDS, nowMs) + Number(isOver);
    return (this.#seconds.sum(row, GOOD_SECONDS, nowMs) + (isOver ? (this.#isGood[row] as number) : 0)) / asked;
  }

  /** Counts a second that is over; it is good when the service could be had at all in it. */
  #countSecond(seconds: WindowSums, row: number, good: boolean, nowMs: number): void {
    seconds.ensureRows(row + 1);
    this.#second = grownFloat64(this.#second, row + 1, Number.NaN);
    this.#isGood = grownFloat64(this.#isGood, row + 1);
    const second = Math.floor(nowMs / 1000);
    const before = this.#second[row] as number;
    if (second === before) {
      if (good) this.#isGood[row] = 1;
      return;
    }
    if (!Number.isNaN(before)) {
      const at = seconds.at(row, before * 1000);
      seconds.add(at, ASKED_SECONDS, 1);
      seconds.add(at, GOOD_SECONDS, this.#isGood[row] as number);
    }
    this.#second[row] = second;
    this.#isGood[row] = Number(good);
  }
}
