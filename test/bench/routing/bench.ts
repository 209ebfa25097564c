// The benchmark of known scenarios: the paper's experiment, what happens to one instance or to the clients, and load balancers alone.

import { Results } from './figures.ts';
import { cellsOf, DEPTHS } from './matrix.ts';
import { runTasks, tasksOf } from './run.ts';
import { tablesOf } from './tables.ts';

export interface ScenariosBenchOptions {
  readonly depth: keyof typeof DEPTHS;
  readonly jobs: number;
  readonly onProgress: (done: number, all: number) => void;
}

export async function benchScenarios({ depth: name, jobs, onProgress }: ScenariosBenchOptions): Promise<string> {
  const { [name]: depth } = DEPTHS;
  const tasks = tasksOf(cellsOf(depth));
  const results = await runTasks(tasks, jobs, (done) => onProgress(done, tasks.length));
  const speed = (policy: string): string => {
    const runs = results.filter((result) => result.scenario === 'paper-ps' && result.policy === policy);
    const requests = runs.reduce((sum, { metrics }) => sum + metrics.requests, 0);
    const cpuS = runs.reduce((sum, result) => sum + result.cpuS, 0);
    return `${(requests / cpuS / 1e6).toFixed(2)} M requests per CPU second with ${policy}`;
  };
  const seeds = `seeds ${depth.own[0]} to ${depth.own.at(-1)} for \`oracle\` and \`qedge\`, ${depth.topologies[0]} to ${depth.topologies.at(-1)} for the rest, ${depth.others[0]} to ${depth.others.at(-1)} for other policies where something happens`;
  return `${tablesOf(new Results(results))}\n\nRuns: ${results.length}; ${seeds}. Simulated at ${speed('round-robin')}, ${speed('qedge')}.`;
}
