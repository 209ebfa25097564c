// Refusals are worth something where the rest is answered in time. Where the instances are late with next to nothing to do (a model too
// large for its limit, a link too long), they gain nothing, and a late answer is worth more than none: so nothing is refused of a service
// that was never seen in time for the first while; then refusing is tried, given up where it did not help, and tried again after
// longer and longer.
//
// It helps while no fewer of all that is asked for are in time than before, refused ones counted in, or while answers are quicker than they
// were without refusals. That is little to ask: one load balancer that gives up floods the instances of all others, whose trials fail as
// well, and one that others are nearer to than it is may get nothing in time for as long as the overload lasts. What was
// measured without refusals grows old: then they stop for a moment, and it is measured again. Where some requests are late by
// nature, as long downloads are, refusing them makes no other quicker, and refuses some of those that would be in time.

/** A trial takes so long, and so many τ; what was sent in its second half speaks, since a queue has to drain first. */
const TRIAL_MS = 10_000;
const TRIAL_LATENCIES = 20;
/**
 * While no answer was ever in time, nothing is refused for so long. Not for longer: where all load balancers are flooded from the start, those
 * that had no answer in time would spoil the trial of the others.
 */
const FIRST_MS = 4_000;
/** The least number of attempts that a trial is judged by. */
const ENDED_MIN = 5;
/** Refusing helps where this share of what is sent is in time, and of all that is asked for this many times the share in time before. */
const IN_TIME_MIN = 0.05;
const IN_TIME_KEPT = 0.8;
/** Or where attempts take this share of what they took without, of which so much is believed after each trial that helped by it alone. */
const QUICKER = 0.7;
const BELIEVED = 0.9;
/**
 * After a trial that did not help, requests are sent for so long; for twice as long after each further one. Where the one before it did
 * help, for half as long as a trial takes.
 */
const PAUSE_MS = 60_000;
const PAUSE_MS_MAX = 3_600_000;
/** What was learned is of the past once this share was in time without refusals for as long as a trial takes. */
const WELL = 0.5;

export class Futility {
  readonly #trialMs: number;
  /** When the trial began; +Infinity while nothing is refused. */
  #sinceMs = Number.POSITIVE_INFINITY;
  readonly #trial = new Tally();
  /** Requests since the trial's second half began, refused ones included. */
  #asked = 0;
  /** How attempts ended while answers were late and nothing was refused. */
  readonly #before = new Tally();
  /** Mean processing latency of attempts without refusals, ms. */
  #beforeMs = 0;
  /** Whether, in this step, answers are in time only because other load balancers refuse. */
  #joined = false;
  /** Whether the last trial helped. */
  #helped = false;
  /** The last step at which answers were late or requests were refused, ms. */
  #illMs = 0;
  /** Whether an answer was ever in time. */
  #seen = false;
  /** The time until which nothing is refused, ms; NaN before the first attempt ends. */
  #untilMs = Number.NaN;
  #pauseMs = PAUSE_MS;

  /** `latencyMs` is τ. */
  constructor(latencyMs: number) {
    this.#trialMs = Math.max(TRIAL_MS, TRIAL_LATENCIES * latencyMs);
  }

  /** Counts an attempt that ended. */
  end(startMs: number, inTime: boolean, processingMs: number): void {
    if (Number.isNaN(this.#untilMs)) this.#untilMs = startMs + FIRST_MS;
    if (inTime && !this.#seen) this.forget();
    this.#seen ||= inTime;
    if (this.#sinceMs === Number.POSITIVE_INFINITY) this.#before.add(inTime, processingMs);
    else if (startMs >= this.#sinceMs + this.#trialMs / 2) this.#trial.add(inTime, processingMs);
  }

  /** Takes a step without limits and its share in time, NaN when unknown; `late` when that is an overload's. */
  rest(inTimeRatio: number, late: boolean, nowMs: number): void {
    this.#joined = false;
    if (!late) this.#before.clear();
    if (!(inTimeRatio >= WELL)) this.#illMs = nowMs;
    if (nowMs - this.#illMs >= this.#trialMs) this.forget();
  }

  /** Whether to refuse nothing; asked every step. `refusing`: some instance has a limit. `asked`: the requests in it. */
  isFutile(refusing: boolean, asked: number, nowMs: number): boolean {
    if (!(nowMs >= this.#untilMs)) return true;
    if (!refusing) this.#sinceMs = Number.POSITIVE_INFINITY;
    else this.#illMs = nowMs;
    if (refusing && this.#sinceMs === Number.POSITIVE_INFINITY) {
      this.#beforeMs = this.#before.meanMs;
      if (this.#joined) this.#before.good = 0;
      this.#joined = false;
      this.#begin(nowMs);
    }
    if (nowMs >= this.#sinceMs + this.#trialMs / 2) this.#asked += asked;
    if (nowMs < this.#sinceMs + this.#trialMs || this.#trial.ended < ENDED_MIN) return false;
    const { ended, good, meanMs: takesMs } = this.#trial;
    const keeps = good >= IN_TIME_MIN * ended && good >= IN_TIME_KEPT * this.#before.inTimeRatio * this.#asked;
    const helps = keeps || takesMs < QUICKER * this.#beforeMs;
    if (!keeps) this.#beforeMs *= BELIEVED;
    this.#begin(nowMs);
    if (!helps) this.#giveUp(nowMs);
    this.#helped = helps;
    return !helps;
  }

  /** Notes that what was in time before the coming trial was so by refusals of others. */
  join(): void {
    this.#joined = true;
  }

  /** Forgets what the trials showed. */
  forget(): void {
    this.#untilMs = Number.NEGATIVE_INFINITY;
    this.#pauseMs = PAUSE_MS;
    this.#helped = false;
  }

  #giveUp(nowMs: number): void {
    this.#sinceMs = Number.POSITIVE_INFINITY;
    this.#before.clear();
    if (this.#helped) {
      this.#untilMs = nowMs + this.#trialMs / 2;
      return;
    }
    this.#untilMs = nowMs + this.#pauseMs;
    this.#pauseMs = Math.min(PAUSE_MS_MAX, 2 * this.#pauseMs);
  }

  #begin(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#asked = 0;
    this.#trial.clear();
  }
}

/** Counts how attempts ended, and what they took. */
class Tally {
  ended = 0;
  good = 0;
  #sumMs = 0;

  add(inTime: boolean, processingMs: number): void {
    this.ended++;
    this.#sumMs += processingMs;
    if (inTime) this.good++;
  }

  clear(): void {
    this.ended = 0;
    this.good = 0;
    this.#sumMs = 0;
  }

  get inTimeRatio(): number {
    return this.good / Math.max(1, this.ended);
  }

  get meanMs(): number {
    return this.#sumMs / Math.max(1, this.ended);
  }
}
