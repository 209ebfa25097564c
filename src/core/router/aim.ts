// What latency a policy steers by. Most often the service's own limit; where requests come as stages of a chain, the part of the
// chain's goal that the stage has: a limit that no instance makes, or that all make, would distinguish none.

/** Share of the mean that each new part is. */
const SMOOTHING = 0.05;
/** Counts are multiplied by this at each step. */
const FADING = 0.8;
/** Stages to be seen before anything is concluded. */
const NOTED_MIN = 20;
/** A policy with another limit has to find its weights again, so a change by less than this share is not made. */
const STEP_RATIO = 0.15;
/** The share of a service's requests from which on stages decide its limit at once. */
const MOST = 0.5;
/** Below this share they no longer count, and the service has its own limit again. */
const SELDOM = 0.05;
/** The limit changes no more often than this. */
const REST_MS = 3000;

/** The limit that the policy of one service steers by. */
export class Aim {
  readonly #ownMs: number;
  latencyMs: number;
  /** Whether the limit is made of the parts that stages have of their chains' goals. */
  isPart = false;
  /** Mean of those parts, ms; NaN before the first. */
  #meanMs = Number.NaN;
  #noted = 0;
  /** Recent requests, fading: stages of chains, and all. */
  #stages = 0;
  #all = 0;
  #asked: number;
  #sinceMs = Number.NEGATIVE_INFINITY;

  /** `ownMs`: the limit of the service, for requests that are no stage of a chain. `asked`: requests that it had until now. */
  constructor(ownMs: number, asked: number) {
    this.#asked = asked;
    this.#ownMs = ownMs;
    this.latencyMs = ownMs;
  }

  /** Counts a request that is a stage with this part of its chain's goal, ms. */
  note(partMs: number): void {
    this.#meanMs = this.#noted === 0 ? partMs : this.#meanMs + SMOOTHING * (partMs - this.#meanMs);
    this.#noted++;
    this.#stages++;
  }

  /** Takes a step, `asked` requests after the start. Returns whether the policy is to steer by another limit. */
  step(asked: number, nowMs: number): boolean {
    const requests = asked - this.#asked;
    this.#asked = asked;
    this.#all += requests;
    const share = Math.min(1, this.#stages / this.#all);
    this.#stages *= FADING;
    this.#all *= FADING;
    if (this.#noted < NOTED_MIN || requests === 0 || nowMs - this.#sinceMs < REST_MS) return false;
    const isSeldom = share < SELDOM;
    const wantedMs = isSeldom ? this.#ownMs : share * this.#meanMs + (1 - share) * this.#ownMs;
    // The first part is taken however near it is, and the own limit is when stages end: a limit of one's own is kept by refusals, a part
    // of a goal is not. A few stages change nothing for all the other requests.
    const isOther = this.isPart ? isSeldom : share >= MOST;
    if (!isOther && Math.abs(Math.log(wantedMs / this.latencyMs)) < STEP_RATIO) return false;
    this.latencyMs = wantedMs;
    this.isPart = !isSeldom;
    this.#sinceMs = nowMs;
    return true;
  }
}
