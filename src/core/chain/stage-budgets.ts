// What each stage of a chain may take: what is left of the goal, less what the later stages need as learned.

import type { QosTarget } from '../domain.ts';
import { StageLatency } from './stage-latency.ts';

/** Answers of a stage before which its reserve is its share of the goal by work. */
const SAMPLES_MIN = 20;

/** How the goal of a chain is split. `learned` is what serves; the fixed ones are what a study compares it with. */
export type ChainSplit = 'learned' | 'work' | 'even';

/** The budgets of one chain's stages. */
export class StageBudgets {
  readonly #goal: QosTarget;
  readonly #shares: readonly number[];
  readonly #latencies: readonly StageLatency[];

  /** `work`: of each stage, in any unit. */
  constructor(goal: QosTarget, work: readonly number[]) {
    const total = work.reduce((sum, one) => sum + one, 0);
    this.#goal = goal;
    this.#shares = work.map((one) => one / total);
    this.#latencies = work.map(() => new StageLatency());
  }

  /** The stage's part of the goal, by work, ms. */
  shareMs(stage: number): number {
    return (this.#shares[stage] as number) * this.#goal.latencyMs;
  }

  /** The stage was answered after so long. */
  observe(stage: number, latencyMs: number): void {
    this.#latencyOf(stage).observe(latencyMs);
  }

  /** Answers of the stage that were learned from. */
  samples(stage: number): number {
    return this.#latencyOf(stage).samples;
  }

  /** What is kept for the stage: the ρ-quantile of its latency. */
  reserveMs(stage: number): number {
    const latency = this.#latencyOf(stage);
    return latency.samples < SAMPLES_MIN ? this.shareMs(stage) : latency.quantileMs(this.#goal.successRatio);
  }

  /** What the policy of the stage steers by: its part of the goal by what all stages need. */
  aimMs(stage: number): number {
    let allMs = 0;
    for (let one = 0; one < this.#shares.length; one++) allMs += this.reserveMs(one);
    return (this.#goal.latencyMs * this.reserveMs(stage)) / allMs;
  }

  /**
   * What the stage may take when `leftMs` are left of the goal. Where that is less than what it and the later ones need, they
   * share it by their needs, so that a run that is late is not given up.
   */
  budgetMs(stage: number, leftMs: number): number {
    let laterMs = 0;
    for (let later = stage + 1; later < this.#shares.length; later++) laterMs += this.reserveMs(later);
    const ownMs = this.reserveMs(stage);
    if (leftMs <= 0) return 0;
    return Math.max(leftMs - laterMs, (leftMs * ownMs) / (ownMs + laterMs));
  }

  snapshot(): unknown {
    return this.#latencies.map((latency) => latency.snapshot());
  }

  /** Takes back a snapshot of its own making; ignores what does not fit. */
  restore(snapshot: unknown): void {
    if (!Array.isArray(snapshot)) return;
    for (const [stage, latency] of this.#latencies.entries()) latency.restore(snapshot[stage]);
  }

  #latencyOf(stage: number): StageLatency {
    return this.#latencies[stage] as StageLatency;
  }
}
