// npm run testbed: the paper's experiment with real processes on this machine, beside the simulator's figures for the same world. As
// root, on Linux; see README.md.

import { accessSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError } from '../../../src/errors.ts';
import { loadScenario } from '../../../src/scenario/scenario-file.ts';
import { runOne } from '../../../src/sim/experiment.ts';
import { policyProblems } from '../../../src/sim/policy-text.ts';
import type { Scenario } from '../../../src/sim/scenario.ts';
import { createWorld, type World } from '../../../src/sim/world/world.ts';
import { print } from '../../bench/proxy/table.ts';
import { Continuum, type RunRecord } from './continuum.ts';
import { endAll } from './network.ts';
import { cellsOf, compare, HEAD, judge } from './results.ts';
import { phasesOf, resized, unbuildable } from './world.ts';

const USAGE = `usage: npm run testbed -- [options]      as root
  --nodes N          2 to 30, default 8
  --duration S       seconds, default 180; every fault moves in proportion
  --quick            60 s
  --binary PATH      the executable to run; default: these sources
  --policy POLICY    as for qedge simulate; default: the first of the scenario
  --scenario FILE    default: world.toml, which is where the faults are
  --seed N           default: the first of the scenario`;
const NODES_MAX = 30;
const QUICK_S = 60;
const PROGRAMS = ['ip', 'unshare', 'nsenter', 'setpriv', 'chrt', 'perl', 'mosquitto'];
/** Runs of the simulator in the same world, each with chances of its own. */
const SIMULATED_RUNS = 5;
const ROOT = resolve(import.meta.dirname, '../../..');

interface Plan {
  readonly scenario: Scenario;
  readonly world: World;
  readonly seed: number;
  readonly policy: string;
  readonly command: readonly string[];
}

class UsageError extends Error {}

function readPlan(): Plan {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string' },
      duration: { type: 'string' },
      quick: { type: 'boolean', default: false },
      binary: { type: 'string' },
      policy: { type: 'string' },
      scenario: { type: 'string', default: join(import.meta.dirname, 'world.toml') },
      seed: { type: 'string' },
    },
  });
  const durationS = values.quick ? QUICK_S : wholeOf('--duration', values.duration, { least: 10, most: 3_600 });
  const scenario = resized(loadScenario(values.scenario), {
    nodes: wholeOf('--nodes', values.nodes, { least: 2, most: NODES_MAX }),
    durationMs: durationS === null ? null : durationS * 1_000,
  });
  const problem = unbuildable(scenario, NODES_MAX);
  if (problem !== null) throw new UsageError(`${values.scenario}: the testbed cannot build ${problem}`);
  const policy = values.policy ?? scenario.policies[0] ?? 'qedge';
  for (const wrong of policyProblems(policy)) throw new UsageError(`--policy ${policy}: ${wrong}`);
  const seed = wholeOf('--seed', values.seed, { least: 0, most: 2 ** 31 - 1 }) ?? scenario.seeds[0] ?? 1;
  const command =
    values.binary === undefined
      ? [process.execPath, '--no-warnings', join(ROOT, 'src/main.ts')]
      : [resolve(values.binary)];
  return { scenario, world: createWorld(scenario, seed), seed, policy, command };
}

function wholeOf(
  option: string,
  text: string | undefined,
  { least, most }: { readonly least: number; readonly most: number },
): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new UsageError(`${option}: expected a whole number from ${least} to ${most}, got ${text}`);
}

/** What this machine lacks; null where it has everything. */
function missing(): string | null {
  if (process.getuid?.() !== 0) return 'needs root: it makes network namespaces and tun devices';
  const isThere = (path: string): boolean => {
    try {
      accessSync(path);
      return true;
    } catch {
      return false;
    }
  };
  const folders = (process.env.PATH ?? '').split(delimiter);
  const absent = PROGRAMS.filter((program) => !folders.some((folder) => isThere(join(folder, program))));
  if (absent.length > 0) return `needs ${absent.join(', ')}: apt-get install iproute2 mosquitto perl util-linux`;
  return isThere('/dev/net/tun') ? null : 'needs /dev/net/tun: modprobe tun';
}

function say(text: string): void {
  process.stderr.write(`testbed: ${text}\n`);
}

async function run(plan: Plan): Promise<RunRecord> {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-testbed-'));
  // With the processes end namespaces and devices.
  process.once('exit', () => {
    endAll();
    rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const continuum = await Continuum.start({ ...plan, folder, say });
  say(`${plan.scenario.durationMs / 1_000} s of requests`);
  const record = await continuum.run();
  endAll();
  return record;
}

function report({ scenario, world, seed, policy, command }: Plan, { requests, stalls, uses }: RunRecord): void {
  const { durationMs, qos } = scenario;
  const { latencyMs, successRatio } = qos;
  const judgement = judge({ world, durationMs, latencyMs, requests, stalls });
  const runs = Array.from({ length: SIMULATED_RUNS }, (_, n) => runOne({ scenario, world, policy, seed: seed + n }));
  const rows = compare(judgement, runs, { phases: phasesOf(scenario), successRatio });
  const { clients, instances, topology } = world;
  console.log(
    `${topology.nodes.length} nodes, ${instances.length} instances, ${clients.length} clients, policy ${policy}, seed ${seed}, ${durationMs / 1_000} s, ` +
      `${command.length > 1 ? 'sources' : command[0]}, Node ${process.versions.node}, ${availableParallelism()} processors\n`,
  );
  print(HEAD, rows.map(cellsOf));
  const cores = uses.map(({ cpuS }) => (1_000 * cpuS) / durationMs);
  const mean = cores.reduce((total, one) => total + one, 0) / cores.length;
  const resident = Math.max(...uses.map(({ residentMb }) => residentMb));
  console.log(
    `qedge: ${mean.toFixed(3)} cores each, ${Math.max(...cores).toFixed(3)} at most; ${resident.toFixed(0)} MB resident at most`,
  );
}

try {
  const plan = readPlan();
  const lack = missing();
  if (lack !== null) throw new UsageError(lack);
  report(plan, await run(plan));
  process.exit(0);
} catch (error) {
  const { message, stack, code = '' } = error as Error & { readonly code?: string };
  const isUsage = code.startsWith('ERR_PARSE_ARGS');
  say(isUsage || error instanceof UsageError || error instanceof ConfigError ? message : (stack ?? message));
  if (isUsage) process.stderr.write(`${USAGE}\n`);
  process.exit(1);
}
