// One instance as the simulation runs it: its server, its faults, and what its requests take besides CPU.

import type { Rng } from '../../core/rng.ts';
import { exponential, type Lognormal, lognormal, lognormalOf, pareto } from '../random.ts';
import type { InstanceModel, NeighbourSpec } from '../scenario.ts';
import { Spells } from '../world/spells.ts';
import { BatchServer } from './batch-server.ts';
import { type QueueingServer, Server } from './server.ts';

/** An instance: its server, its faults, and the time that its answers take beside the processor. */
export class Site {
  readonly model: InstanceModel;
  readonly server: QueueingServer;
  up = false;
  readonly neighbour: Neighbour | null;
  /** Time of its next completion event; NaN when none is scheduled. An event at another time is stale. */
  scheduledMs = Number.NaN;
  /** Faults, each the sum of what events added. */
  delayMs = 0;
  errorRatio = 0;
  readonly #rng: Rng;
  readonly #work: Lognormal;
  #usedMs = Number.NEGATIVE_INFINITY;
  #slowFactor = 1;
  #freezes = 0;

  constructor(model: InstanceModel, rng: Rng) {
    this.model = model;
    this.#rng = rng;
    this.#work = lognormalOf(model.workMeanMs, model.workCv);
    this.server = createServer(model);
    this.neighbour = model.neighbour === null ? null : new Neighbour(rng, model.neighbour);
  }

  drawWorkMs(): number {
    const { workTail, workMeanMs } = this.model;
    return workTail === null ? lognormal(this.#rng, this.#work) : pareto(this.#rng, workMeanMs, workTail);
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

  /** Takes note of a request, or of the end of one; true when the model must be loaded first. */
  use(nowMs: number): boolean {
    const cold = this.model.coldLoadMs > 0 && nowMs - this.#usedMs >= this.model.coldIdleMs;
    this.#usedMs = nowMs;
    return cold;
  }

  /** It will have to load its model when it is back. */
  cool(): void {
    this.#usedMs = Number.NEGATIVE_INFINITY;
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

/** Another service on the same processor. */
class Neighbour {
  readonly #rng: Rng;
  readonly #spec: NeighbourSpec;
  readonly #spells: Spells;

  constructor(rng: Rng, spec: NeighbourSpec) {
    this.#rng = rng;
    this.#spec = spec;
    this.#spells = new Spells(rng, spec, 0);
  }

  drawWorkMs(): number {
    return exponential(this.#rng, this.#spec.workMeanMs);
  }

  /** When its next request comes. */
  nextMs(nowMs: number): number {
    return this.#spells.after(nowMs + exponential(this.#rng, 1_000 / this.#spec.ratePerSecond));
  }
}

function createServer(model: InstanceModel): QueueingServer {
  const { discipline, batch, cores, jobsMax } = model;
  if (discipline !== 'batching') return new Server({ discipline, cores, jobsMax });
  return new BatchServer({ cores, jobsMax, batch: batch ?? { size: 1, delayMs: 0, marginal: 0 } });
}
