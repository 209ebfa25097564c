// What neighbours' summaries are worth, by simulation: where each load balancer knows little, at a cold start, when a slow instance joins
// or one slows down, and when a neighbour lies. `node test/bench/neighbours.ts [ROW…]`, rows as below; on seeds that nothing was tuned on.

import '../support/bench-help.ts';
import { createServiceRouter } from '../../src/core/create-router.ts';
import { runOne } from '../../src/sim/experiment.ts';
import { ORACLE } from '../../src/sim/policy-text.ts';
import { computeMetrics } from '../../src/sim/results/metrics.ts';
import type { Recorder } from '../../src/sim/results/recorder.ts';
import type { NeighboursSpec, Scenario, ScenarioEvent } from '../../src/sim/scenario.ts';
import { runSimulation } from '../../src/sim/simulation.ts';
import { SERVICE } from '../../src/sim/world/instance.ts';
import { createWorld, type World } from '../../src/sim/world/world.ts';
import { generateWorld, seedOf } from './worlds/kinds.ts';

const SPEC: NeighboursSpec = {
  max: 8,
  samplesMax: 20,
  everyMs: 500,
  delayMs: 20,
  lossRatio: 0.01,
  liars: [],
  liedAbout: 'i1',
  liedMs: 1,
};
const POLICY = 'qedge';
/** Utilisation of the worlds as they are drawn. */
const DRAWN = 0.67;

const ROWS: Readonly<Record<string, (spec: NeighboursSpec | null) => string>> = {
  '200 × 2/s, 0.67': (spec) => littleInformation(0.67, { spec }),
  '200 × 2/s, 0.80': (spec) => littleInformation(0.8, { spec }),
  'the best fixed split of 200 × 2/s, 0.67': () => littleInformation(0.67, { spec: null, policy: ORACLE }),
  'cold start, first 10 s (warm start)': coldStart,
  'a slow instance joins: s from the first that knows to nine in ten, to all': slowNewcomer,
  'one of six slows down: success in the 10 s after': slowsDown,
  'mixed, moving, several load balancers each: success': drawnWorlds,
  'a fifth lie: success of the others in the first minute, afterwards': (spec) => liars(spec, (b) => b % 5 === 0),
  'four fifths lie: success of the others in the first minute, afterwards': (spec) => liars(spec, (b) => b % 5 !== 0),
};

if (import.meta.main) {
  const asked = process.argv.slice(2);
  console.log('| world | alone | with neighbours |\n|---|---:|---:|');
  for (const [name, row] of Object.entries(ROWS)) {
    if (asked.length > 0 && !asked.some((text) => name.includes(text))) continue;
    console.log(`| ${name} | ${row(null)} | ${row(SPEC)} |`);
  }
}

function littleInformation(
  use: number,
  { spec, policy = POLICY }: { readonly spec: NeighboursSpec | null; readonly policy?: string },
): string {
  const runs = [0, 1, 2, 3].map((n) => {
    const scenario = { ...among(drawn(n), spec), load: use / DRAWN };
    const seed = seedOf('test', n);
    return computeMetrics(runOne({ scenario, world: createWorld(scenario, seed), policy, seed }), scenario, null);
  });
  const satisfied = mean(runs.map(({ satisfiedRatio }) => satisfiedRatio));
  return `${percent(satisfied)} / ${percent(mean(runs.map(({ steadySuccessRatio }) => steadySuccessRatio)))}`;
}

/** One of thirty after another starts again; success of its clients in the ten seconds after. */
function coldStart(spec: NeighboursSpec | null): string {
  const starts = Array.from({ length: 30 }, (_, b) => ({ b, atMs: 30_000 + 4_000 * b }));
  const ratioOf = (state: 'cold' | 'warm'): number => {
    const ratios = [0, 1].map((n) => {
      const { scenario: tight } = generateWorld('tight-1.0', seedOf('test', n));
      const { topology } = tight;
      const names = topology.kind === 'matrix' ? topology.balancers : [];
      const events = starts
        .filter(({ b }) => b < names.length)
        .flatMap(({ b, atMs }): ScenarioEvent[] => [
          { kind: 'restart', atMs, on: [names[b] ?? ''], state, ageMs: 1_000 },
        ]);
      const scenario = among({ ...tight, events, durationMs: 170_000 }, spec);
      const world = createWorld(scenario, seedOf('test', n));
      const recorder = runOne({ scenario, world, policy: POLICY, seed: seedOf('test', n) });
      return mean(
        starts
          .filter(({ b }) => b < names.length)
          .map(({ b, atMs }) => successOf(recorder, world, [b], { fromMs: atMs, toMs: atMs + 10_000 })),
      );
    });
    return mean(ratios);
  };
  return `${percent(ratioOf('cold'))} (${percent(ratioOf('warm'))})`;
}

/** An instance twenty times as slow joins: when a load balancer sends it less than a quarter of a fair share, it knows. */
function slowNewcomer(spec: NeighboursSpec | null): string {
  const node = 'i7';
  const atMs = 60_000;
  const firstToAll = [0, 1].map((n) => {
    const base = drawn(n);
    const scenario = among(
      {
        ...base,
        durationMs: 90_000,
        events: [
          { kind: 'join', atMs, instance: node, node: nodeOf(base) },
          { kind: 'slow', atMs: 0, instance: node, factor: 20, forMs: Number.POSITIVE_INFINITY },
        ],
      },
      spec,
    );
    const knew = knowing(scenario, seedOf('test', n), node).sort((a, b) => a - b);
    const [first = 0] = knew;
    return [knew[Math.floor(0.9 * knew.length)] ?? 0, knew.at(-1) ?? 0].map((s) => s - first);
  });
  return [0, 1].map((i) => `${mean(firstToAll.map((times) => times[i] ?? 0)).toFixed(1)} s`).join(', ');
}

/** In eight worlds: in one alone, ten seconds say little. */
function slowsDown(spec: NeighboursSpec | null): string {
  const ratios = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => {
    const slow: ScenarioEvent = { kind: 'slow', atMs: 60_000, instance: 'i1', factor: 4, forMs: 60_000 };
    const scenario = among({ ...drawn(n), durationMs: 75_000, events: [slow], load: 0.7 }, spec);
    const seed = seedOf('test', n);
    const world = createWorld(scenario, seed);
    const all = world.balancers.map((_, b) => b);
    const recorder = runOne({ scenario, world, policy: POLICY, seed });
    return successOf(recorder, world, all, { fromMs: 60_000, toMs: 70_000 });
  });
  return percent(mean(ratios));
}

/** Worlds in which everything is drawn, those of one load balancer left out. */
function drawnWorlds(spec: NeighboursSpec | null): string {
  const kinds = ['mixed', 'moving'] as const;
  return kinds
    .map((kind) => percent(mean(Array.from({ length: 27 }, (_, n) => successIn(kind, 90_000 + n, spec)).flat())))
    .join(', ');
}

/** Of all requests; nothing where there are no neighbours. */
function successIn(kind: 'mixed' | 'moving', seed: number, spec: NeighboursSpec | null): number[] {
  const scenario = among(generateWorld(kind, seed).scenario, spec);
  const world = createWorld(scenario, seed);
  const all = world.balancers.map((_, b) => b);
  if (all.length === 1) return [];
  const span = { fromMs: 0, toMs: scenario.durationMs };
  return [successOf(runOne({ scenario, world, policy: POLICY, seed }), world, all, span)];
}

/** Those that lie say of one instance that it is quick. */
function liars(spec: NeighboursSpec | null, lies: (balancer: number) => boolean): string {
  const spans = [
    { fromMs: 0, toMs: 60_000 },
    { fromMs: 60_000, toMs: 120_000 },
  ];
  const all = Array.from({ length: 200 }, (_, b) => b);
  const ratios = [0, 1].map((n) => {
    const scenario = among(drawn(n), spec === null ? null : { ...spec, liars: all.filter(lies) });
    const seed = seedOf('test', n);
    const world = createWorld(scenario, seed);
    const recorder = runOne({ scenario, world, policy: POLICY, seed });
    const honest = all.filter((b) => !lies(b));
    return spans.map((span) => successOf(recorder, world, honest, span));
  });
  return spans.map((_, i) => percent(mean(ratios.map((each) => each[i] ?? 0)))).join(', ');
}

// ---- parts ----

function drawn(n: number): Scenario {
  return generateWorld('little-information', seedOf('test', n)).scenario;
}

function among(scenario: Scenario, spec: NeighboursSpec | null): Scenario {
  return spec === null ? scenario : { ...scenario, network: { ...scenario.network, neighbours: spec } };
}

function nodeOf({ topology }: Scenario): string {
  return (topology.kind === 'matrix' ? topology.nodes[0] : undefined) ?? '';
}

/** Of each load balancer that gave it more before: from which second on it holds the instance's share below a quarter of a fair one, for good. */
function knowing(scenario: Scenario, seed: number, instance: string): number[] {
  const world = createWorld(scenario, seed);
  const { neighbours } = scenario.network;
  const lastUnknown: number[] = [];
  runSimulation({
    scenario,
    world,
    seed,
    createRouter: ({ balancer, nodeId, rng, nowMs }) => {
      const router = createServiceRouter({
        service: SERVICE,
        qos: scenario.qos,
        policy: { name: POLICY, options: {} },
        localNodeId: nodeId,
        rng,
        nowMs,
        ...(neighbours === undefined ? {} : { neighbours: { use: true, samplesMax: neighbours.samplesMax } }),
      });
      const step = router.tick.bind(router);
      router.tick = (atMs) => {
        step(atMs);
        const states = [...router.instances(atMs)];
        const state = states.find(({ key }) => key.endsWith(`/${instance}`));
        if (state !== undefined && state.weight > 0.25 / states.length) lastUnknown[balancer] = atMs / 1_000;
      };
      return router;
    },
  });
  return lastUnknown.filter((seconds) => seconds !== undefined);
}

/** Of the clients of these load balancers, of what they sent in the span. */
function successOf(
  { shape, sent, succeeded }: Recorder,
  { clients }: World,
  balancers: readonly number[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): number {
  let all = 0;
  let good = 0;
  for (const [c, { balancer }] of clients.entries()) {
    if (!balancers.includes(balancer)) continue;
    for (let s = Math.floor(fromMs / 1_000); s < toMs / 1_000; s++) {
      all += sent[c * shape.seconds + s] ?? 0;
      good += succeeded[c * shape.seconds + s] ?? 0;
    }
  }
  return good / all;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}
