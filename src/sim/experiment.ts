// One scenario × policies × seeds, each run measured against the oracle's run in the same world.

import type { ChainSplit } from '../core/chain/stage-budgets.ts';
import { createServiceRouter } from '../core/create-router.ts';
import { SharedFlights, sharedFlightsMemory } from '../core/router/shared-flights.ts';
import type { DrivenRouter, RouterRequest } from './balancers.ts';
import { createOracle } from './oracle/oracle.ts';
import { ORACLE, parsePolicy, splitOf } from './policy-text.ts';
import { computeMetrics, type RunMetrics } from './results/metrics.ts';
import type { Recorder } from './results/recorder.ts';
import { computeSeries, type RunSeries } from './results/series.ts';
import type { Scenario } from './scenario.ts';
import { meanWorkMs } from './simulated-chains.ts';
import { runSimulation } from './simulation.ts';
import { SERVICE } from './world/instance.ts';
import { createWorld, type World } from './world/world.ts';

export interface ExperimentOptions {
  readonly scenario: Scenario;
  /** As `parsePolicy` reads them; `oracle` may be among them. */
  readonly policies: readonly string[];
  readonly seeds: readonly number[];
  /** False: no oracle run, no regret. */
  readonly regret: boolean;
  readonly onProgress?: (progress: Progress) => void;
}

/** Reported while runs go on. */
export interface Progress {
  /** Share of the whole experiment that is done. */
  readonly ratio: number;
  readonly policy: string;
  readonly seed: number;
}

/** One policy in one world, with its figures. */
export interface RunResult {
  readonly policy: string;
  readonly seed: number;
  readonly metrics: RunMetrics;
  readonly series: RunSeries;
  /** Names for the plots. */
  readonly instances: readonly string[];
  readonly balancers: readonly string[];
  /** Whether an instance runs on the own node of each load balancer. */
  readonly localInstance: readonly boolean[];
}

/** Runs everything, one after another. @throws NoTopologyError */
export function runExperiment(options: ExperimentOptions): RunResult[] {
  const { scenario, seeds } = options;
  const asked = new Set(options.policies);
  // The oracle comes first: the others are measured against it.
  // How much a closed loop asks for depends on the policy: an oracle that splits given rates says nothing of it.
  const openLoop = scenario.clients.every(({ thinkMs }) => thinkMs === undefined);
  const regret = options.regret && openLoop && scenario.stages === undefined;
  const policies = [...(regret ? new Set([ORACLE, ...asked]) : asked)];
  const runs = policies.length * seeds.length;
  const results: RunResult[] = [];
  for (const [s, seed] of seeds.entries()) {
    const world = createWorld(scenario, seed);
    let oracle: Recorder | null = null;
    for (const [p, policy] of policies.entries()) {
      const done = s * policies.length + p;
      const onProgress = (ratio: number): void => options.onProgress?.({ ratio: (done + ratio) / runs, policy, seed });
      onProgress(0);
      const recorder = runOne({ scenario, world, policy, seed, onProgress });
      if (policy === ORACLE) oracle = recorder;
      if (asked.has(policy)) results.push(resultOf(recorder, { scenario, world, policy, seed, oracle }));
    }
  }
  return results;
}

export interface RunOptions {
  readonly scenario: Scenario;
  readonly world: World;
  readonly policy: string;
  readonly seed: number;
  readonly onProgress?: (ratio: number) => void;
}

/** Runs one policy in one world, to the end of the scenario. */
export function runOne({ scenario, world, policy, seed, onProgress }: RunOptions): Recorder {
  const progress = onProgress === undefined ? {} : { onProgress };
  if (policy === ORACLE) return runSimulation({ scenario, world, seed, ...progress, ...createOracle(scenario, world) });
  const choice = parsePolicy(policy);
  const split = splitOf(policy);
  const stageMs = stageLimitsMs(scenario, world, split);
  const { neighbours } = scenario.network;
  const clientsMax = 1 + Math.max(0, ...countBy(world.clients.map(({ balancer }) => balancer)).values());
  const { topology } = scenario;
  const isShared = topology.kind === 'matrix' && topology.oneProcess === true;
  const memory = isShared ? sharedFlightsMemory(world.balancers.length, SHARED_KEY) : null;
  const createRouter = ({ balancer, stage, nodeId, rng, nowMs }: RouterRequest): DrivenRouter =>
    createServiceRouter({
      service: SERVICE,
      sharedFlights: memory === null ? null : cellsOf(memory, balancer),
      qos: { ...scenario.qos, latencyMs: stageMs[stage] ?? scenario.qos.latencyMs },
      requirements: scenario.requirements,
      policy: choice,
      localNodeId: nodeId,
      rng,
      nowMs,
      instancesMax: world.instances.length,
      clientsMax,
      ...(neighbours === undefined ? {} : { neighbours: { use: true, samplesMax: neighbours.samplesMax } }),
    });
  return runSimulation({ scenario, world, seed, split, createRouter, ...progress });
}

/** Any will do: no name of a simulation is chosen to collide. */
const SHARED_KEY = 1_234_567_891;

/** A load balancer that starts again has nothing in flight. */
function cellsOf(memory: SharedArrayBuffer, balancer: number): SharedFlights {
  const cells = new SharedFlights(memory, balancer);
  cells.clear();
  return cells;
}

/** What each stage's router begins with; empty where there is no chain. */
function stageLimitsMs({ stages = [], qos }: Scenario, world: World, split: ChainSplit): number[] {
  const work = split === 'even' ? stages.map(() => 1) : meanWorkMs(stages.length, world);
  const total = work.reduce((sum, one) => sum + one, 0);
  return work.map((one) => (one / total) * qos.latencyMs);
}

function resultOf(recorder: Recorder, run: RunOptions & { readonly oracle: Recorder | null }): RunResult {
  const { scenario, world, policy, seed, oracle } = run;
  const { nodes } = world.topology;
  const carrying = new Set(world.instances.map(({ node }) => node));
  return {
    policy,
    seed,
    metrics: computeMetrics(recorder, scenario, oracle),
    series: computeSeries(recorder, oracle),
    instances: world.instances.map(({ id }) => id),
    balancers: world.balancers.map((node) => nodes[node] as string),
    localInstance: world.balancers.map((node) => carrying.has(node)),
  };
}

function countBy<T>(items: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}
