// What latency a policy steers by. Most often the service's own limit; where requests come as stages of a chain, the part of the
// chain's goal that the stage has: a limit that no instance makes, or that all make, would distinguish none.

/** Share of the mean that each new part is. */
const SMOOTHING = 0.05;
/** What is counted weighs so much less with each step. */
const FADING = 0.8;
/** Stages that are waited for before anything is concluded. */
const NOTED_MIN = 20;
/** A policy that is given another limit has to find its weights again, so that it is not done for less than this share of it. */
const STEP_RATIO = 0.15;
/** Share of the requests, from which on the service counts as one whose requests are stages. */
const MOST = 0.5;
/** And below which as one that has its own limit alone. */
const SELDOM = 0.05;
/** Nor more often. */
const REST_MS = 3000;

/** The limit that the policy of one service steers by. */
export class Aim {
  readonly #ownMs: number;
  latencyMs: number;
  /** The limit is made of parts of goals. */
  isPart = false;
  /** Mean of the parts that stages have. */
  #meanMs = Number.NaN;
  #noted = 0;
  /** Requests of late: stages of chains, and all. */
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

  /** A request is a stage that has this part of its chain's goal, ms. */
  note(partMs: number): void {
    this.#meanMs = this.#noted === 0 ? partMs : this.#meanMs + SMOOTHING * (partMs - this.#meanMs);
    this.#noted++;
    this.#stages++;
  }

  /** Once a step. `asked`: requests of the service since its start. True when the policy is to steer by another limit. */
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
