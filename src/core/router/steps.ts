// When a router makes its decision steps: one after another, at the pace of its policy. One that rests makes up for those that it left
// out, each as it would have been made at its time, so that what it has learned is the same.

/** Steps of a rest that are made up for, more than its driver leaves out; a process that was stopped meanwhile left out more. */
const MADE_UP_MAX = 500;

export interface StepsOptions {
  readonly stepMs: () => number;
  readonly step: (nowMs: number) => void;
  /** The phase of its steps, in [0, 1): load balancers that start together must not step together. */
  readonly phase: number;
}

export class Steps {
  nextMs: number;
  readonly #options: StepsOptions;
  /** Called by the request that ends the rest; null outside a rest. */
  #onWake: (() => void) | null = null;

  constructor(options: StepsOptions, nowMs: number) {
    const { phase } = options;
    const stepMs = options.stepMs();
    this.#options = options;
    this.nextMs = nowMs + (phase === 0 ? stepMs : phase * stepMs);
  }

  /** Takes the step that is due, if one is; after a rest, all that are. */
  tick(nowMs: number): void {
    if (this.#onWake !== null) this.makeUp(nowMs);
    else if (nowMs >= this.nextMs) this.#step(nowMs);
  }

  /** Begins a rest, in which steps may come late. */
  rest(onWake: () => void): void {
    this.#onWake = onWake;
  }

  /** Ends the rest, since a request came. */
  wake(nowMs: number): void {
    if (this.#onWake === null) return;
    this.makeUp(nowMs);
    const onWake = this.#onWake;
    this.#onWake = null;
    onWake();
  }

  /** Takes the steps that a rest left out, each at its time. */
  makeUp(nowMs: number): void {
    if (this.#onWake === null) return;
    for (let steps = 0; steps < MADE_UP_MAX && this.nextMs <= nowMs; steps++) this.#step(this.nextMs);
    if (this.nextMs <= nowMs) this.#step(nowMs);
  }

  #step(nowMs: number): void {
    this.#options.step(nowMs);
    const stepMs = this.#options.stepMs();
    this.nextMs += stepMs;
    if (this.nextMs <= nowMs) this.nextMs = nowMs + stepMs;
  }
}
