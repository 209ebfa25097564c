// Refusals are worth something where the rest is answered in time. Where the instances are late with next to nothing to do (a model too
// large for its limit, a link too long), they gain nothing, and a late answer is worth more than none: so nothing is refused of a service
// that was never seen in time for the first while; then refusing is tried, given up where it did not help, and tried again after
// longer and longer.
//
// It helps while more answers are in time than before, or while answers grow quicker. That is little to ask: one load balancer that gives
// up floods the instances of all others, whose trials then fail as well.

/** A trial takes so long, and so many τ; what was sent in its second half speaks, since a queue has to drain first. */
const TRIAL_MS = 10_000;
const TRIAL_LATENCIES = 20;
/**
 * While no answer was ever in time, nothing is refused for so long. Not for longer: where all load balancers are flooded from the start, those
 * that had no answer in time would spoil the trial of the others.
 */
const FIRST_MS = 4_000;
/** Attempts that have to speak. */
const ENDED_MIN = 5;
/** Refusing helps where this share is in time, and this many times as much as before. */
const IN_TIME_MIN = 0.05;
const IN_TIME_MORE = 1.5;
/** This share in time is enough in any case: of few requests, some that were in time before speak of what was before the overload. */
const IN_TIME_ENOUGH = 0.2;
/** Or where attempts take this share of what they took before. */
const QUICKER = 0.7;
/** How much of the past is kept with each attempt, of what was before. */
const BEFORE_KEPT = 0.95;
/** After a trial that did not help, requests are sent for so long; for twice as long after each further one. */
const PAUSE_MS = 60_000;
const PAUSE_MS_MAX = 3_600_000;

export class Futility {
  readonly #trialMs: number;
  /** When the trial began; +Infinity: nothing is refused. */
  #sinceMs = Number.POSITIVE_INFINITY;
  #ended = 0;
  #good = 0;
  #sumMs = 0;
  /** Share in time while nothing is refused, and what attempts took before the trial. */
  #inTimeBefore = 0;
  #beforeMs = 0;
  /** An answer was in time. */
  #seen = false;
  /** Until when nothing is refused; NaN before the first attempt ended. */
  #untilMs = Number.NaN;
  #pauseMs = PAUSE_MS;

  /** `latencyMs`: τ. */
  constructor(latencyMs: number) {
    this.#trialMs = Math.max(TRIAL_MS, TRIAL_LATENCIES * latencyMs);
  }

  /** An attempt ended. */
  end(startMs: number, inTime: boolean, processingMs: number): void {
    if (Number.isNaN(this.#untilMs)) this.#untilMs = startMs + FIRST_MS;
    if (inTime && !this.#seen) this.forget();
    this.#seen ||= inTime;
    if (this.#sinceMs === Number.POSITIVE_INFINITY) {
      this.#inTimeBefore = this.#inTimeBefore * BEFORE_KEPT + (inTime ? 1 - BEFORE_KEPT : 0);
      this.#beforeMs = this.#beforeMs * BEFORE_KEPT + processingMs * (1 - BEFORE_KEPT);
    }
    if (startMs < this.#sinceMs + this.#trialMs / 2) return;
    this.#ended++;
    this.#sumMs += processingMs;
    if (inTime) this.#good++;
  }

  /** Asked every step: whether nothing is to be refused now. `refusing`: some instance has a limit. */
  isFutile(refusing: boolean, nowMs: number): boolean {
    if (!(nowMs >= this.#untilMs)) return true;
    if (!refusing) this.#sinceMs = Number.POSITIVE_INFINITY;
    else if (this.#sinceMs === Number.POSITIVE_INFINITY) this.#begin(nowMs);
    if (nowMs < this.#sinceMs + this.#trialMs || this.#ended < ENDED_MIN) return false;
    const takesMs = this.#sumMs / this.#ended;
    const inTimeMin = Math.min(IN_TIME_ENOUGH, Math.max(IN_TIME_MIN, IN_TIME_MORE * this.#inTimeBefore));
    const helps = this.#good >= inTimeMin * this.#ended || takesMs < QUICKER * this.#beforeMs;
    this.#beforeMs = takesMs;
    this.#begin(nowMs);
    if (helps) return false;
    this.#sinceMs = Number.POSITIVE_INFINITY;
    this.#untilMs = nowMs + this.#pauseMs;
    this.#pauseMs = Math.min(PAUSE_MS_MAX, 2 * this.#pauseMs);
    return true;
  }

  /** Without refusals most answers are in time: what was learned is of the past. */
  forget(): void {
    this.#untilMs = Number.NEGATIVE_INFINITY;
    this.#pauseMs = PAUSE_MS;
  }

  #begin(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#ended = 0;
    this.#good = 0;
    this.#sumMs = 0;
  }
}
