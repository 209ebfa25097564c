// `qedge plan placement`: on which nodes instances should run.

import { basename } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { StateDocument } from '../../admin/state/state.ts';
import { name as nameText } from '../../config/values.ts';
import type { RouterState } from '../../core/service-router.ts';
import { CommandError, EX_USAGE } from '../../errors.ts';
import { leastCount } from '../../plan/placement/cheapest.ts';
import { type ObservedNode, observedSites } from '../../plan/placement/observed.ts';
import { planPage } from '../../plan/placement/page.ts';
import { type PlacementPlan, planPlacement } from '../../plan/placement/plan.ts';
import { headline, planLines } from '../../plan/placement/report.ts';
import { SEARCH_MAX } from '../../plan/placement/search.ts';
import { parseSites } from '../../plan/placement/sites-file.ts';
import { carriersOf, type PlacementTask, taskOf, writtenWith } from '../../plan/placement/task.ts';
import type { TrialOptions } from '../../plan/placement/trial.ts';
import { writeToml } from '../../plan/write-toml.ts';
import { openScenario, scenarioProblem } from '../../scenario/scenario-file.ts';
import { policyProblems } from '../../sim/policy-text.ts';
import { NoTopologyError } from '../../sim/world/topology.ts';
import { paintFor, widthOf } from '../../terminal/paint.ts';
import { AdminClient } from '../admin-client.ts';
import { commandLine } from '../command-line.ts';
import { durationMs } from '../duration-argument.ts';
import { count, loadFactor, seeds } from '../number-arguments.ts';
import { nodesByBroker } from '../online/nodes-by-broker.ts';
import { ProgressBar } from '../progress-bar.ts';
import { makeReady, textOf, writeTexts } from '../text-files.ts';

interface PlacementOptions {
  readonly from: string;
  /** Undefined: `service` in a file, and the only one of running nodes. */
  readonly service?: string;
  readonly instances?: number;
  readonly cheapest?: true;
  readonly improve?: true;
  readonly latency: number;
  readonly success: number;
  readonly work: number;
  readonly topologySeed: number;
  readonly load: number;
  readonly seeds: readonly number[];
  readonly duration: number;
  readonly policy: string;
  readonly out?: string;
  readonly json?: true;
}

export function registerPlan(program: Command): void {
  const plan = program
    .command('plan')
    .summary('plan where instances should run')
    .description('plan where instances of a service should run');
  plan
    .command('placement')
    .description(
      'choose the nodes on which instances of a service should run, and try them in the simulator with each one lost',
    )
    .requiredOption(
      '--from <source>',
      'nodes, distances and clients: a scenario (.toml), a table (.csv), the admin ports of running nodes (http://…, by commas), or their broker (mqtt://…)',
    )
    .option('-k, --instances <count>', 'place so many instances, by greedy k-center', count)
    .option('--cheapest', 'place the fewest instances that satisfy every client with any one of them lost')
    .option('--improve', 'move the instances of the greedy answer where that is better')
    .option('--service <name>', 'service of the instances; for running nodes the only one when absent', serviceName)
    .addOption(
      new Option('--latency <time>', 'latency limit, for a table or a broker')
        .argParser(durationMs)
        .default(80, '80ms'),
    )
    .addOption(
      new Option('--success <share>', 'share of requests within the limit, for a table or a broker')
        .argParser(share)
        .default(0.9),
    )
    .addOption(
      new Option('--work <time>', 'CPU time of a request, where a table says none')
        .argParser(durationMs)
        .default(5, '5ms'),
    )
    .addOption(
      new Option('--topology-seed <seed>', 'seed of a scenario whose topology is drawn').argParser(count).default(1),
    )
    .addOption(
      new Option('--load <factor>', 'factor on all request rates of the simulation').argParser(loadFactor).default(1.2),
    )
    .addOption(
      new Option('--seeds <seeds>', 'seeds of the simulation').argParser(seeds).default([1, 2, 3, 4, 5], '1-5'),
    )
    .addOption(
      new Option('--duration <time>', 'length of each simulated run').argParser(durationMs).default(60_000, '60s'),
    )
    .addOption(new Option('--policy <policy>', 'policy that routes').argParser(policy).default('qedge'))
    .option('--out <dir>', 'write scenario, [[announce]] tables, JSON and a page with a map there')
    .option('--json', 'print the plan as JSON')
    .action(placement);
}

async function placement(options: PlacementOptions): Promise<void> {
  if ((options.instances === undefined) === (options.cheapest === undefined)) {
    throw new CommandError('expected either --instances or --cheapest', EX_USAGE);
  }
  if (options.cheapest && options.improve) {
    throw new CommandError('--improve goes with --instances: --cheapest moves instances anyway', EX_USAGE);
  }
  const { task, service } = await readTask(options);
  const most = carriersOf(task).length;
  if (options.instances !== undefined && options.instances > most) {
    throw new CommandError(
      `--instances: expected at most ${most}, the nodes that can carry one, got ${options.instances}`,
      EX_USAGE,
    );
  }
  const problem = options.improve
    ? tooLarge(task, options.instances ?? 0)
    : options.cheapest
      ? tooLarge(task, leastCount(task))
      : null;
  if (problem !== null) throw new CommandError(problem, EX_USAGE);
  if (options.out !== undefined) makeReady(options.out);
  const { trial, bar } = trialOf(options);
  bar?.note('looking for placements');
  const plan = planPlacement(task, { count: options.instances ?? null, improve: options.improve ?? false, trial });
  bar?.clear();
  if (plan === null) {
    throw new CommandError(
      'found no number of instances that satisfies every client with one of them lost: a lower load, or quicker nodes?',
    );
  }
  print(task, plan, { options, trial });
  if (options.out !== undefined) writeFiles(options.out, { task, plan, service, trial });
  if (plan.coverage.uncovered.length > 0)
    throw new CommandError('the placement leaves nodes without an instance in reach');
}

/** Why a local search over placements of this size would not end in time; null: it would. */
function tooLarge({ nodes }: PlacementTask, instances: number): string | null {
  if (nodes.length * instances <= SEARCH_MAX) return null;
  return `--improve, --cheapest: expected at most ${SEARCH_MAX} nodes × instances, got ${nodes.length} × ${instances}`;
}

/** A task, and the service that it is for. */
interface ServiceTask {
  readonly task: PlacementTask;
  readonly service: string;
}

async function readTask(options: PlacementOptions): Promise<ServiceTask> {
  const { from, service = 'service', topologySeed, latency, success, work, load } = options;
  if (/^https?:/.test(from)) return askTask(options);
  if (/^(?:mqtt|ws)s?:/.test(from)) return hearTask(options);
  if (from.endsWith('.csv')) {
    const goal = { latencyMs: latency, successRatio: success, workMs: work, load };
    return { task: parseSites(basename(from), textOf(from), goal), service };
  }
  try {
    return { task: taskOf(openScenario(from), { seed: topologySeed, load }), service };
  } catch (error) {
    if (error instanceof NoTopologyError) throw scenarioProblem(from, ['topology'], error.message);
    throw error;
  }
}

/** What the nodes know that are asked; the goal is that of the service there. */
async function askTask({ from, service, work, load }: PlacementOptions): Promise<ServiceTask> {
  const urls = from.split(',').map((url) => url.trim());
  const states = await Promise.all(urls.map((url) => new AdminClient({ url }).get<StateDocument>('/api/v1/state')));
  const [first] = states;
  const name = service ?? (first?.services.length === 1 ? first.services[0]?.service : undefined);
  const services = states.map(({ services }, i) => {
    const found = services.find((one) => one.service === name);
    if (found === undefined) {
      throw new CommandError(`${urls[i]}: ${notTheOne(name, services)}`);
    }
    return found;
  });
  const sites = sitesOf(
    states.map(({ node }, i) => ({
      node: node.id,
      rate: services[i]?.requestsPerSecond ?? 0,
      rttMs: new Map(node.probes.flatMap(({ nodeId, rttMs }) => (rttMs === null ? [] : [[nodeId, rttMs]]))),
    })),
  );
  const { service: found, qos } = services[0] as RouterState;
  const { latencyMs, successRatio } = qos;
  return { task: parseSites('nodes', sites, { latencyMs, successRatio, workMs: work, load }), service: found };
}

function notTheOne(name: string | undefined, services: readonly RouterState[]): string {
  const problem = name === undefined ? 'has not exactly one service' : `no service "${name}"`;
  if (services.length === 0) return 'has no service';
  return `${problem}; --service says which: ${services.map(({ service }) => service).join(', ')}`;
}

/** What the nodes say on their broker, which does not know the goal. */
async function hearTask({ from, service, latency, success, work, load }: PlacementOptions): Promise<ServiceTask> {
  const heard = await nodesByBroker(from, { service });
  const goal = { latencyMs: latency, successRatio: success, workMs: work, load };
  return { task: parseSites('nodes', sitesOf(heard.nodes), goal), service: heard.service };
}

/** As a table. */
function sitesOf(nodes: readonly ObservedNode[]): string {
  const { csv, estimated } = observedSites(nodes);
  if (estimated > 0) process.stderr.write(`${estimated} distances that no node has measured are taken over others\n`);
  return csv;
}

function trialOf({ policy, seeds, duration }: PlacementOptions): {
  trial: TrialOptions;
  bar: ProgressBar | null;
} {
  const bar = process.stderr.isTTY ? new ProgressBar(process.stderr) : null;
  const onRun = (what: string, seed: number): void => bar?.note(`trying ${what}, seed ${seed}`);
  return { trial: { policy, seeds, durationMs: duration, onRun }, bar };
}

interface Shown {
  readonly options: PlacementOptions;
  readonly trial: TrialOptions;
}

function print(task: PlacementTask, plan: PlacementPlan, { options, trial }: Shown): void {
  const look = { width: widthOf(process.stdout), paint: paintFor(process.stdout) };
  const text = options.json ? toJson(task, plan) : planLines(task, plan, { ...look, ...trial }).join('\n');
  process.stdout.write(`${text}\n`);
}

function writeFiles(
  directory: string,
  { task, plan, service, trial }: ServiceTask & { readonly plan: PlacementPlan; readonly trial: TrialOptions },
): void {
  const command = commandLine();
  const scenario = {
    ...writtenWith(task, plan.placement, trial.durationMs),
    name: service,
    description: headline(task, plan).join(' '),
  };
  const files = [
    { name: 'scenario.toml', text: `# ${command}\n${writeToml(scenario)}` },
    { name: 'announce.toml', text: announceToml(task, plan, service) },
    { name: 'plan.json', text: `${toJson(task, plan)}\n` },
    { name: 'plan.html', text: planPage(task, plan, { ...trial, title: `Placement of ${service}`, command }) },
  ];
  writeTexts(directory, files);
}

/** What the configuration of each chosen node needs; the port is for a person to fill in. */
function announceToml({ nodes }: PlacementTask, { placement }: PlacementPlan, service: string): string {
  return placement
    .map(
      (node) =>
        `# On ${nodes[node]}:\n[[announce]]\nservice = ${JSON.stringify(service)}\nurl = "http://ADDRESS-OF-${nodes[node]}:9000"\n`,
    )
    .join('\n');
}

function toJson({ nodes }: PlacementTask, { placement, coverage, trial, losses }: PlacementPlan): string {
  const named = (node: number | null): string | null => (node === null ? null : (nodes[node] as string));
  return JSON.stringify({
    placement: placement.map(named),
    radiusMs: Number.isFinite(coverage.radiusMs) ? coverage.radiusMs : null,
    uncovered: coverage.uncovered.map(named),
    uncoveredByLoss: coverage.uncoveredByLoss.map(named),
    nodes: coverage.nodes.map(({ node, nearest, second, inReach }) => ({
      node: named(node),
      nearest: named(nearest),
      second: named(second),
      inReach,
    })),
    trial,
    losses: losses.map((loss, i) => ({ without: named(placement[i] ?? null), ...loss })),
  });
}

function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError(`expected a share above 0, at most 1, got ${text}`);
  return value;
}

function policy(text: string): string {
  const [problem] = policyProblems(text);
  if (problem !== undefined) throw new InvalidArgumentError(problem);
  return text;
}

function serviceName(text: string): string {
  const { data, error } = nameText.safeParse(text);
  if (data === undefined) throw new InvalidArgumentError(error.issues[0]?.message ?? 'not a name');
  return data;
}
