// The experiment of "multi-objective load balancing for object detection", in the simulator: `node test/bench/object-detection.ts`
// prints, for every number of users, what each policy comes to. With a number behind it, such as 6, load balancers go by the objects that each
// model counts, as the paper has it, of so many in a crowd; else they are told what was there. The published figures stand in test/README.md beside these.

import '../support/bench-help.ts';
import { join, resolve } from 'node:path';
import { loadScenario } from '../../src/scenario/scenario-file.ts';
import { runExperiment } from '../../src/sim/experiment.ts';
import type { RunMetrics } from '../../src/sim/results/metrics.ts';

const SCENARIO = join(resolve(import.meta.dirname, '../..'), 'config/scenarios/object-detection.toml');
const USERS = [1, 5, 10, 15];
const CROWD = Number(process.argv[2] ?? 0);
const GAMMAS = [0, 0.25, 0.5, 0.75, 1];
const COLUMNS: readonly (readonly [string, (m: RunMetrics) => number, number])[] = [
  ['response ms', (m) => m.latencyMeanMs, 0],
  ['p90 ms', (m) => m.latencyP90Ms, 0],
  ['requests/s', (m) => m.answersPerSecond, 1],
  ['energy mWh', (m) => m.energyMwh ?? Number.NaN, 3],
  ['accuracy', (m) => m.accuracy ?? Number.NaN, 1],
];

const scenario = loadScenario(SCENARIO);
const policies = [...scenario.policies, ...GAMMAS.map((gamma) => `multi-objective:adapt=false:gamma=${gamma}`)];
const { seeds } = scenario;
for (const users of USERS) {
  const clients = scenario.clients.map(({ groups, ...rest }) => {
    return { ...rest, each: users, ...(groups === undefined ? {} : { groups: { ...groups, crowd: CROWD } }) };
  });
  const results = runExperiment({ scenario: { ...scenario, clients }, policies, seeds, regret: false });
  console.log(`\n${users} users, mean of seeds ${seeds.join(', ')}\n`);
  console.log(['policy'.padEnd(38), ...COLUMNS.map(([title]) => title.padStart(12))].join(''));
  for (const policy of policies) {
    const runs = results.filter((result) => result.policy === policy);
    const cells = COLUMNS.map(([title, value, digits]) => {
      const mean = runs.reduce((sum, { metrics }) => sum + value(metrics), 0) / runs.length;
      // The histogram of latencies ends at 2 s.
      return (title === 'p90 ms' && mean >= 1_999 ? '≥ 2000' : mean.toFixed(digits)).padStart(12);
    });
    console.log([policy.padEnd(38), ...cells].join(''));
  }
}
