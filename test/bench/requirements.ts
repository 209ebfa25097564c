// What several requirements at once come to, in the simulator: `node test/bench/requirements.ts [shares|energy|detection] [--seeds 201-210]`
// prints the tables of test/README.md. The seeds are apart from those that anything was tuned on. For the boards of `detection`: with
// `--crowd 6` the group of a frame is what the model of the one before counted, of six objects in a crowd; `--latency 2s` is another limit.

import '../support/bench-help.ts';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { duration } from '../../src/config/values.ts';
import { loadScenario } from '../../src/scenario/scenario-file.ts';
import { seedsText } from '../../src/scenario/scenario-schema.ts';
import { type RunResult, runExperiment } from '../../src/sim/experiment.ts';
import type { RunMetrics } from '../../src/sim/results/metrics.ts';
import type { Scenario, ScenarioEvent } from '../../src/sim/scenario.ts';

const SCENARIOS = join(resolve(import.meta.dirname, '../..'), 'config/scenarios');
const { values, positionals } = parseArgs({
  options: {
    seeds: { type: 'string', default: '201-210' },
    crowd: { type: 'string', default: '0' },
    latency: { type: 'string', default: '1200ms' },
  },
  allowPositionals: true,
});
const seeds = seedsText.parse(values.seeds);

const scenarioOf = (name: string): Scenario => loadScenario(join(SCENARIOS, `${name}.toml`));
const run = (scenario: Scenario, policies: readonly string[]): RunResult[] =>
  runExperiment({ scenario, policies, seeds, regret: false });
const metricsOf = (results: readonly RunResult[], policy: string): RunMetrics[] =>
  results.filter((result) => result.policy === policy).map(({ metrics }) => metrics);
const meanOf = (runs: readonly RunMetrics[], value: (metrics: RunMetrics) => number): number =>
  runs.reduce((sum, metrics) => sum + value(metrics), 0) / runs.length;
const percent = (ratio: number): string => `${(100 * ratio).toFixed(1)} %`;
const row = (cells: readonly string[]): void => console.log(`| ${cells.join(' | ')} |`);
const head = (titles: readonly string[]): void => {
  row(titles);
  row(titles.map((_, i) => (i === 0 ? '---' : '---:')));
};
const requirementOf = ({ requirements }: RunMetrics, name: string) => {
  const found = requirements.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no requirement ${name}`);
  return found;
};

/** D1.3's example, where it can be had and where it cannot. */
function shares(): void {
  for (const name of ['accuracy-share', 'accuracy-share-short']) {
    const results = run(scenarioOf(name), ['oracle', 'qedge']);
    console.log(`\n${name}: learning left out\n`);
    head([
      'seed',
      'share (oracle)',
      'share',
      'mean latency',
      'success',
      'clients with all in ≥ 95 % of windows',
      'worst client',
    ]);
    for (const seed of seeds) {
      const [oracle, qedge] = ['oracle', 'qedge'].map(
        (policy) => results.find((result) => result.policy === policy && result.seed === seed)?.metrics as RunMetrics,
      ) as [RunMetrics, RunMetrics];
      const share = requirementOf(qedge, 'accuracy share');
      const all = requirementOf(qedge, 'all');
      row([
        String(seed),
        percent(requirementOf(oracle, 'accuracy share').value ?? 0),
        percent(share.value ?? 0),
        `${requirementOf(qedge, 'mean latency').value?.toFixed(1)} ms`,
        percent(requirementOf(qedge, 'latency').value ?? 0),
        percent(all.clientsMostlyRatio),
        percent(all.worstClientRatio),
      ]);
    }
  }
}

/** The same worlds with and without something to save. */
function energy(): void {
  console.log('\nbattery: with and without the objective\n');
  head(['seed', 'mWh a request', 'without', 'less', 'clients satisfied', 'without', 'strictly', 'without']);
  const saving = scenarioOf('battery');
  const [with_, without] = [saving, { ...saving, requirements: { ...saving.requirements, objective: null } }].map(
    (scenario) => metricsOf(run(scenario, ['qedge']), 'qedge'),
  ) as [RunMetrics[], RunMetrics[]];
  for (const [s, seed] of seeds.entries()) {
    const [one, other] = [with_[s], without[s]] as [RunMetrics, RunMetrics];
    row([
      String(seed),
      (one.energyMwh ?? 0).toFixed(3),
      (other.energyMwh ?? 0).toFixed(3),
      percent(1 - (one.energyMwh ?? 0) / (other.energyMwh ?? 1)),
      ...[one, other].map(({ satisfiedRatio }) => percent(satisfiedRatio)),
      ...[one, other].map(({ strictlySatisfiedRatio }) => percent(strictlySatisfiedRatio)),
    ]);
  }
}

const DETECTION_POLICIES = ['multi-objective:adapt=false', 'multi-objective', 'qedge'];
const DETECTION_COLUMNS: readonly (readonly [string, (m: RunMetrics) => number, number])[] = [
  ['response ms', (m) => m.latencyMeanMs, 0],
  ['energy mWh', (m) => m.energyMwh ?? Number.NaN, 3],
  ['mAP', (m) => m.accuracy ?? Number.NaN, 1],
  ['answers/s', (m) => m.answersPerSecond, 1],
];

/** The boards of the multi-objective paper, all well, and with one of them at half its speed. */
function detection(): void {
  const base = scenarioOf('throttled-accelerator');
  const throttled: readonly (string | null)[] = [null, 'i3', 'i5'];
  head(['users, at half speed', 'policy', ...DETECTION_COLUMNS.map(([title]) => title), 'accuracy share', 'in time']);
  for (const instance of throttled) {
    for (const each of [5, 10, 15]) {
      const events: ScenarioEvent[] =
        instance === null ? [] : [{ kind: 'slow', atMs: 0, instance, forMs: base.durationMs, factor: 2 }];
      const clients = base.clients.map(({ groups, ...rest }) => {
        return {
          ...rest,
          each,
          ...(groups === undefined ? {} : { groups: { ...groups, crowd: Number(values.crowd) } }),
        };
      });
      const qos = { ...base.qos, latencyMs: duration().parse(values.latency) };
      const results = run({ ...base, qos, events, clients }, DETECTION_POLICIES);
      for (const policy of DETECTION_POLICIES) {
        const runs = metricsOf(results, policy);
        row([
          `${each}, ${instance ?? 'none'}`,
          policy,
          ...DETECTION_COLUMNS.map(([, value, digits]) => meanOf(runs, value).toFixed(digits)),
          ...['accuracy share', 'latency'].map((name) =>
            percent(meanOf(runs, (m) => requirementOf(m, name).value ?? Number.NaN)),
          ),
        ]);
      }
    }
  }
}

const PARTS: Readonly<Record<string, () => void>> = { shares, energy, detection };
for (const [name, part] of Object.entries(PARTS)) {
  if (positionals.length === 0 || positionals.includes(name)) part();
}
