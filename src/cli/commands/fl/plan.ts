// `qedge fl plan`: which nodes learn together, and how often models travel.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { CommandError, EX_USAGE } from '../../../errors.ts';
import {
  configure,
  type LearningConfiguration,
  NoConfigurationError,
  type Strategy,
} from '../../../plan/learning/configuration.ts';
import type { FrequencySearch } from '../../../plan/learning/frequency.ts';
import { parseNodes } from '../../../plan/learning/nodes-file.ts';
import { type LearningTopology, without } from '../../../plan/learning/topology.ts';
import { widthOf } from '../../../terminal/paint.ts';
import { wrapWords } from '../../../terminal/wrap.ts';
import { count, positive } from '../../number-arguments.ts';
import { textOf } from '../../text-files.ts';

interface PlanOptions {
  readonly model: number;
  readonly budget: number;
  readonly strategy: Strategy;
  readonly search: FrequencySearch;
  readonly epochs?: number;
  readonly localRounds?: number;
  readonly cluster?: ReadonlyMap<string, readonly string[]>;
  readonly without?: readonly string[];
  readonly seed: number;
  readonly json?: true;
}

export function registerPlan(fl: Command): void {
  fl.command('plan')
    .description('choose clusters and frequency for the nodes of a file, within a budget of communication')
    .argument('<nodes.csv>', 'nodes, a line each: id,role,"link costs","samples by class"')
    .addOption(new Option('--model <MB>', 'size of the model in MB').argParser(positive).default(10))
    .addOption(new Option('--budget <units>', 'communication for each epoch').argParser(positive).default(600))
    .addOption(
      new Option(
        '--strategy <strategy>',
        'look for clusters whose data is like the data of all, or whose links cost least',
      )
        .choices(['min-kld', 'min-cost'])
        .default('min-kld'),
    )
    .addOption(
      new Option(
        '--search <search>',
        'how to look for the frequency: the fewest epochs, or as the AIoTwin orchestrator does',
      )
        .choices(['least', 'published'])
        .default('least'),
    )
    .option('--epochs <count>', 'take so many epochs instead of looking for them; with --local-rounds', count)
    .option('--local-rounds <count>', 'take so many local rounds instead of looking for them; with --epochs', count)
    .option(
      '--cluster <aggregator=clients>',
      'take this cluster instead of looking for clusters, such as n2=n4,n8,n9; once for each',
      cluster,
    )
    .option('--without <nodes>', 'leave out these nodes, such as n8,n9', (text: string) =>
      text.split(',').map((id) => id.trim()),
    )
    .addOption(new Option('--seed <seed>', 'seed of the search among many clients').argParser(count).default(1))
    .option('--json', 'print JSON')
    .action(plan);
}

function plan(file: string, options: PlanOptions): void {
  const topology = topologyOf(file, options.without ?? []);
  const configuration = configurationOf(topology, options);
  const text = options.json
    ? `${JSON.stringify(configuration)}\n`
    : `${lines(configuration, { budget: options.budget, width: widthOf(process.stdout) }).join('\n')}\n`;
  process.stdout.write(text);
}

function topologyOf(file: string, left: readonly string[]): LearningTopology {
  const topology = parseNodes(file, textOf(file));
  const problem = without(topology, left);
  if (typeof problem === 'string') throw new CommandError(`--without: ${problem}`, EX_USAGE);
  return problem;
}

function configurationOf(topology: LearningTopology, options: PlanOptions): LearningConfiguration {
  const { model, budget, strategy, search, seed, epochs, localRounds, cluster: clusters } = options;
  if ((epochs === undefined) !== (localRounds === undefined)) {
    throw new CommandError('expected --epochs and --local-rounds together, or neither', EX_USAGE);
  }
  try {
    return configure(topology, {
      strategy,
      modelMb: model,
      budget,
      search,
      seed,
      ...(epochs === undefined || localRounds === undefined ? {} : { frequency: { epochs, localRounds } }),
      ...(clusters === undefined ? {} : { clusters }),
    });
  } catch (error) {
    if (error instanceof NoConfigurationError) throw new CommandError(error.message);
    throw error;
  }
}

function lines(
  { global, clusters, divergence, epochs, localRounds, costPerEpoch }: LearningConfiguration,
  { budget, width }: { readonly budget: number; readonly width: number },
): readonly string[] {
  const facts: [string, string][] = clusters.map(({ aggregator, clients }, i) => [
    i === 0 ? 'clusters' : '',
    `${aggregator}: ${clients.join(' ')}`,
  ]);
  if (divergence !== null) facts.push(['divergence', `${divergence} (Kullback–Leibler, mean over the clusters)`]);
  const below =
    divergence === null
      ? `then to ${global}`
      : `then to the aggregator; ${localRounds} gatherings there, then to ${global}`;
  facts.push(
    ['frequency', `${epochs} epochs, ${below}`],
    ['cost', `${rounded(costPerEpoch)} units per epoch of ${budget}`],
  );
  return facts.flatMap(([key, text]) =>
    wrapWords(text.split(' '), { width, first: key.padEnd(12), hanging: ' '.repeat(16) }),
  );
}

const rounded = (value: number): string => String(Number(value.toFixed(4)));

function cluster(
  text: string,
  before: ReadonlyMap<string, readonly string[]> = new Map(),
): ReadonlyMap<string, readonly string[]> {
  const [aggregator = '', members = ''] = text.split('=', 2);
  const clients = members.split(',').map((id) => id.trim());
  if (aggregator === '' || clients.includes('')) {
    throw new InvalidArgumentError(`expected aggregator=client,client,…, got ${text}`);
  }
  if (before.has(aggregator)) throw new InvalidArgumentError(`aggregator "${aggregator}" has a cluster already`);
  return new Map([...before, [aggregator, clients]]);
}
