// Where a request is a run through several services: what each load balancer allows each stage. A fixed split is what a person
// would write into the services' own goals: it neither learns nor knows how a run fares.

import { type ChainSplit, StageBudgets } from '../core/chain/stage-budgets.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world/world.ts';

/** The chain of a scenario as its load balancers see it. */
export class SimulatedChains {
  readonly #limitMs: number;
  readonly #split: ChainSplit;
  /** Budgets, indexed by load balancer. */
  readonly #budgets: readonly StageBudgets[];
  readonly stages: number;

  constructor({ stages = [], qos }: Scenario, world: World, split: ChainSplit) {
    const work = split === 'even' ? stages.map(() => 1) : meanWorkMs(stages.length, world);
    this.stages = Math.max(1, stages.length);
    this.#limitMs = qos.latencyMs;
    this.#split = split;
    this.#budgets = stages.length < 2 ? [] : world.balancers.map(() => new StageBudgets(qos, work));
  }

  /** Whether the policies of the stages follow the budgets. */
  get steers(): boolean {
    return this.stages > 1 && this.#split === 'learned';
  }

  /** Budget of a stage that is asked for when the run has taken `elapsedMs`. */
  budgetMs(balancer: number, stage: number, elapsedMs: number): number {
    const budgets = this.#budgets[balancer];
    if (budgets === undefined) return this.#limitMs;
    return this.#split === 'learned' ? budgets.budgetMs(stage, this.#limitMs - elapsedMs) : budgets.shareMs(stage);
  }

  aimMs(balancer: number, stage: number): number {
    return this.#budgets[balancer]?.aimMs(stage) ?? this.#limitMs;
  }

  /** The stage was answered. */
  observe(balancer: number, stage: number, latencyMs: number): void {
    this.#budgets[balancer]?.observe(stage, latencyMs);
  }
}

/** Mean work of the instances of each stage, ms. */
export function meanWorkMs(stages: number, { instances }: World): number[] {
  return Array.from({ length: stages }, (_, stage) => {
    const works = instances.filter((one) => one.stage === stage).map(({ model }) => model.workMeanMs);
    return works.reduce((sum, workMs) => sum + workMs, 0) / works.length;
  });
}
