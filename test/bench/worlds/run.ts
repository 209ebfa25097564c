// Runs policies through generated worlds, in threads.

import { runOne } from '../../../src/sim/experiment.ts';
import { computeMetrics, type RunMetrics } from '../../../src/sim/results/metrics.ts';
import type { Recorder } from '../../../src/sim/results/recorder.ts';
import { createWorld } from '../../../src/sim/world/world.ts';
import { answerTasks, runInThreads } from '../threads.ts';
import { generateWorld, type KindName } from './kinds.ts';
import type { GeneratedWorld } from './world.ts';

export interface WorldTask {
  readonly kind: KindName;
  readonly seed: number;
  /** Which draw of the requests in this world, from 0. */
  readonly arrival: number;
  readonly policy: string;
}

export interface WorldResult extends WorldTask {
  readonly metrics: RunMetrics;
  readonly world: Omit<GeneratedWorld, 'scenario'> & { readonly name: string };
  /** Requests in the steady part. */
  readonly steadyRequests: number;
  /** Share of attempts in the steady part that went to the instances that are bad in this world. */
  readonly badRatio: number;
  /** CPU time of the run, seconds. */
  readonly cpuS: number;
}

export function runWorlds(
  tasks: readonly WorldTask[],
  jobs: number,
  onDone: (done: number) => void,
): Promise<WorldResult[]> {
  return runInThreads(tasks, { file: import.meta.filename, jobs, onDone });
}

/** Seeds apart: further than worlds are numbered in a row. */
const ARRIVAL_SEEDS = 7_919;

function run(task: WorldTask): WorldResult {
  const { scenario, ...world } = generateWorld(task.kind, task.seed);
  const before = process.threadCpuUsage();
  const recorder = runOne({
    scenario,
    world: createWorld(scenario, task.seed),
    policy: task.policy,
    seed: task.seed + ARRIVAL_SEEDS * task.arrival,
  });
  const { user, system } = process.threadCpuUsage(before);
  const steadyS = scenario.steadyFromMs / 1_000;
  return {
    ...task,
    metrics: computeMetrics(recorder, scenario, null),
    world: { ...world, name: scenario.name },
    steadyRequests: sumFrom(recorder.sent, recorder, steadyS),
    badRatio: badRatio(recorder, world.bad, steadyS),
    cpuS: (user + system) / 1e6,
  };
}

/** Over a table with a row of seconds each. */
function sumFrom(table: Uint32Array, { shape }: Recorder, fromS: number): number {
  return table.reduce((sum, value, at) => (at % shape.seconds >= fromS ? sum + value : sum), 0);
}

function badRatio({ shape, arrivals }: Recorder, bad: readonly number[], fromS: number): number {
  let all = 0;
  let wrong = 0;
  for (let i = 0; i < shape.instances; i++) {
    for (let s = Math.ceil(fromS); s < shape.seconds; s++) {
      const count = arrivals[i * shape.seconds + s] as number;
      all += count;
      if (bad.includes(i)) wrong += count;
    }
  }
  return all === 0 ? 0 : wrong / all;
}

answerTasks(run);
