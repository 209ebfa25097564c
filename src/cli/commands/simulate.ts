// `qedge simulate`: the routing core in virtual time on a described topology. Tables to stdout; CSV, JSON and the HTML report to files.

import type { Command } from 'commander';
import { CommandError, EX_USAGE } from '../../errors.ts';
import { loadScenario, scenarioProblem } from '../../scenario/scenario-file.ts';
import { type Progress, type RunResult, runExperiment } from '../../sim/experiment.ts';
import { chainProblem, policyProblems } from '../../sim/policy-text.ts';
import { toCsv, toJson } from '../../sim/report/data-files.ts';
import type { Provenance } from '../../sim/report/facts.ts';
import { toHtml } from '../../sim/report/html.ts';
import { resultTable } from '../../sim/report/text-table.ts';
import type { Scenario } from '../../sim/scenario.ts';
import { NoTopologyError } from '../../sim/world/topology.ts';
import { widthOf } from '../../terminal/paint.ts';
import { commit, version } from '../build-facts.ts';
import { commandLine } from '../command-line.ts';
import { loadFactor, seeds } from '../number-arguments.ts';
import { ProgressBar } from '../progress-bar.ts';
import { makeReady, writeTexts } from '../text-files.ts';

interface SimulateOptions {
  readonly policy?: readonly string[];
  readonly seeds?: readonly number[];
  readonly load?: number;
  readonly out?: string;
  readonly json?: true;
  readonly oracle: boolean;
}

export function registerSimulate(program: Command): void {
  program
    .command('simulate')
    .description('run the routing core in virtual time on a scenario, and compare policies')
    .argument('<scenario.toml>', 'scenario file')
    .option(
      '--policy <policies>',
      'policies, with options as name:key=value; "oracle" for the central allocation',
      parsePolicies,
    )
    .option('--seeds <seeds>', 'seeds of the runs, such as 1, 1,2,7 or 101-140', seeds)
    .option('--load <factor>', 'factor on all request rates', loadFactor)
    .option('--out <dir>', 'write CSV, JSON and an HTML report with plots there')
    .option('--json', 'print everything as JSON instead of the table')
    .option('--no-oracle', 'skip the oracle run: faster, no regret')
    .action(simulate);
}

function simulate(file: string, options: SimulateOptions): void {
  const scenario = { ...loadScenario(file), ...(options.load === undefined ? {} : { load: options.load }) };
  for (const policy of options.policy ?? []) {
    const problem = chainProblem(policy, scenario.stages !== undefined);
    if (problem !== null) throw new CommandError(`--policy ${policy}: ${problem}`, EX_USAGE);
  }
  if (options.out !== undefined) makeReady(options.out);
  const results = run(file, scenario, options);
  process.stdout.write(
    options.json === true
      ? toJson(scenario, results, provenance())
      : `${resultTable(scenario, results, widthOf(process.stdout))}\n`,
  );
  if (options.out !== undefined) writeFiles(options.out, scenario, results);
}

function run(file: string, scenario: Scenario, options: SimulateOptions): RunResult[] {
  const bar = process.stderr.isTTY === true ? new ProgressBar(process.stderr) : null;
  try {
    return runExperiment({
      scenario,
      policies: options.policy ?? scenario.policies,
      seeds: options.seeds ?? scenario.seeds,
      regret: options.oracle,
      ...(bar === null ? {} : { onProgress: (progress: Progress) => bar.show(progress) }),
    });
  } catch (error) {
    if (error instanceof NoTopologyError) throw scenarioProblem(file, ['topology'], error.message);
    throw error;
  } finally {
    bar?.clear();
  }
}

function writeFiles(directory: string, scenario: Scenario, results: readonly RunResult[]): void {
  const files = [
    { name: `${scenario.name}.csv`, text: toCsv(scenario, results) },
    { name: `${scenario.name}.json`, text: toJson(scenario, results, provenance()) },
    { name: `${scenario.name}.html`, text: toHtml(scenario, results, provenance()) },
  ];
  writeTexts(directory, files);
}

function provenance(): Provenance {
  return { command: commandLine(), version, commit };
}

function parsePolicies(text: string): string[] {
  const policies = text.split(',').map((policy) => policy.trim());
  const problems = policies.flatMap((policy) =>
    policyProblems(policy).map((problem) => `--policy ${policy}: ${problem}`),
  );
  if (problems.length > 0) throw new CommandError(problems.join('\n'), EX_USAGE);
  return policies;
}
