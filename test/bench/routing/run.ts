// Runs cells of the matrix: in this thread, or spread over worker threads, one (cell, policy, seed) at a time.

import { resolve } from 'node:path';
import { loadScenario } from '../../../src/scenario/scenario-file.ts';
import { runOne } from '../../../src/sim/experiment.ts';
import { computeMetrics, type RunMetrics } from '../../../src/sim/results/metrics.ts';
import type { Scenario } from '../../../src/sim/scenario.ts';
import { createWorld } from '../../../src/sim/world/world.ts';
import { answerTasks, runInThreads } from '../threads.ts';
import type { Cell, Model } from './matrix.ts';

export interface Task {
  readonly scenario: string;
  readonly model: Model | null;
  readonly load: number;
  readonly policy: string;
  readonly seed: number;
}

export interface Result extends Task {
  readonly metrics: RunMetrics;
  /** CPU time of the run, seconds. */
  readonly cpuS: number;
}

const SCENARIOS = resolve(import.meta.dirname, '../../../config/scenarios');
const scenarios = new Map<string, Scenario>();

function scenarioOf(name: string): Scenario {
  const known = scenarios.get(name);
  if (known !== undefined) return known;
  const scenario = loadScenario(resolve(SCENARIOS, `${name}.toml`));
  scenarios.set(name, scenario);
  return scenario;
}

function run(task: Task): Result {
  const base = scenarioOf(task.scenario);
  const model = task.model === null ? base.model : scenarioOf(task.model === 'PS' ? 'paper-ps' : 'paper-fs').model;
  const scenario = { ...base, load: task.load, model };
  const before = process.threadCpuUsage();
  const world = createWorld(scenario, task.seed);
  const recorder = runOne({ scenario, world, policy: task.policy, seed: task.seed });
  const { user, system } = process.threadCpuUsage(before);
  return { ...task, metrics: computeMetrics(recorder, scenario, null), cpuS: (user + system) / 1e6 };
}

/** Results in the order of the tasks. */
export function runTasks(tasks: readonly Task[], jobs: number, onDone: (done: number) => void): Promise<Result[]> {
  return runInThreads(tasks, { file: import.meta.filename, jobs, onDone });
}

export function tasksOf(cells: readonly Cell[]): Task[] {
  const tasks = cells.flatMap(({ scenario, model, load, policies, seeds }) =>
    policies.flatMap((policy) => seeds.map((seed) => ({ scenario, model, load, policy, seed }))),
  );
  // The longest first, so that no thread is left alone with one at the end.
  const weight = ({ scenario }: Task): number =>
    scenario === 'balancers-1000' ? 2 : scenario === 'balancers-100' ? 1 : 0;
  return tasks.sort((a, b) => weight(b) - weight(a));
}

answerTasks(run);
