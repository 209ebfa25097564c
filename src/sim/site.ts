// One instance as the simulation runs it: its server, its faults, and what its requests take besides CPU.

import type { Rng } from '../core/rng.ts';
import { exponential, type Lognormal, lognormal, lognormalOf } from './random.ts';
import type { InstanceModel } from './scenario.ts';
import { Server } from './server.ts';

export class Site {
  readonly model: InstanceModel;
  readonly server: Server;
  up = false;
  /** Of its next completion event; NaN when none is scheduled. An event at another time is stale. */
  scheduledMs = Number.NaN;
  /** Faults, each the sum of what events added. */
  delayMs = 0;
  errorRatio = 0;
  readonly #rng: Rng;
  readonly #work: Lognormal;
  #slowFactor = 1;
  #freezes = 0;

  constructor(model: InstanceModel, rng: Rng) {
    this.model = model;
    this.#rng = rng;
    this.#work = lognormalOf(model.workMeanMs, model.workCv);
    this.server = new Server(model);
  }

  drawWorkMs(): number {
    return lognormal(this.#rng, this.#work);
  }

  /** What an answer takes besides CPU and queueing. */
  drawOverheadMs(): number {
    return this.model.overheadFixedMs + exponential(this.#rng, this.model.overheadMeanMs) + this.delayMs;
  }

  drawsError(): boolean {
    return this.errorRatio > 0 && this.#rng.next() < this.errorRatio;
  }

  nextStallInMs(): number {
    return exponential(this.#rng, this.model.stallEveryMs);
  }

  /** Stalls and hangs may overlap: it moves again when the last of them is over. */
  freeze(by: 1 | -1, nowMs: number): void {
    this.#freezes += by;
    this.#applySpeed(nowMs);
  }

  slow(factor: number, nowMs: number): void {
    this.#slowFactor *= factor;
    this.#applySpeed(nowMs);
  }

  #applySpeed(nowMs: number): void {
    this.server.setSpeed(this.#freezes > 0 ? 0 : 1 / this.#slowFactor, nowMs);
  }
}
