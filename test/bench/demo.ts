// Several requirements at once with the demo's real servers, broker, cameras and proxy on this machine: `node test/bench/demo.ts`, some
// six minutes, prints a row each; a word of their titles chooses rows. What stands at the end of a run is the last 10 s; timers that come
// late make answers late here.

import '../support/bench-help.ts';
import { createWriteStream } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { RouterState } from '../../src/core/service-router.ts';
import { energyPerRequest, requirementText } from '../../src/core/standing.ts';
import { runDemo } from '../../src/demo/demo.ts';
import { CROSSROADS } from '../../src/demo/scenes/crossroads.ts';
import { detect } from '../../src/demo/scenes/inference.ts';
import type { DemoModel, DemoNode, DemoService, Scene } from '../../src/demo/scenes/scene.ts';
import { freePort } from '../support/listening.ts';

const RUN_MS = 60_000;
const WATCHED = 'detector';

interface Row {
  readonly title: string;
  readonly scene: Scene;
  readonly clients: number;
  readonly policy?: string;
}

const model = (workMs: number, profile: DemoModel['profile']): DemoModel => ({
  services: [WATCHED],
  answer: detect,
  workMs,
  profile,
});

const node = (id: string, rttMs: number, runs: DemoModel): DemoNode => ({
  id,
  tier: 'near-edge',
  rttMs,
  jitterMs: 0.3,
  models: [runs],
  present: true,
});

const service = (latencyMs: number, requirements: readonly string[], objective: string | null): DemoService => ({
  name: WATCHED,
  qos: { latencyMs, successRatio: 0.9, windowMs: 10_000 },
  requirements,
  objective,
  clientPrefix: 'camera',
  clientShare: 1,
});

const sceneOf = (nodes: readonly DemoNode[], asked: DemoService, framesPerSecond: number): Scene => ({
  ...CROSSROADS,
  name: 'bench',
  services: [asked],
  nodes,
  localNodeId: (nodes[0] as DemoNode).id,
  framesPerSecond,
});

/** D1.3's example: mean latency below 50 ms, and 80 % by instances of an accuracy of at least 0.95. */
function example(): Scene {
  const large = { accuracy: 0.97, energy_mwh: 0.2 };
  const nodes = [
    node('a', 0.5, model(6, { accuracy: 0.9, energy_mwh: 0.1 })),
    ...['b', 'c', 'd'].map((id, i) => node(id, 4 + 4 * i, model(12, large))),
  ];
  return sceneOf(nodes, service(150, ['mean_latency = "50ms"', 'accuracy = { min = 0.95, share = 0.8 }'], null), 3);
}

/** The boards of the multi-objective paper, a crowd in every frame. */
function boards(objective: string | null): Scene {
  const nodes = [
    node('tpu1', 0.5, model(70, { accuracy: 20, energy_mwh: 0.11, inference_ms: 70 })),
    node('tpu2', 2, model(75, { accuracy: 24, energy_mwh: 0.12, inference_ms: 75 })),
    node('hat', 2, model(300, { accuracy: 80, energy_mwh: 0.3, inference_ms: 300 })),
    node('orin1', 2, model(80, { accuracy: 28, energy_mwh: 0.1, inference_ms: 80 })),
    node('orin2', 2, model(105, { accuracy: 76, energy_mwh: 0.14, inference_ms: 105 })),
  ];
  return sceneOf(nodes, service(1200, ['accuracy = { min = 73, share = 0.9 }'], objective), 1);
}

/** Models that save, and models that spend; both are quick enough. */
function batteries(objective: string | null): Scene {
  const nodes = ['a', 'b', 'c', 'd'].map((id, i) =>
    node(id, 0.5 + 3 * i, model(18, { energy_mwh: i % 2 === 0 ? 0.2 : 0.05 })),
  );
  return sceneOf(nodes, service(200, [], objective), 3);
}

const SAVING = 'least = "energy"';
const ROWS: readonly Row[] = [
  { title: 'example of D1.3, room for it', scene: example(), clients: 8 },
  { title: 'object detection, `multi-objective`', scene: boards(null), clients: 8, policy: 'multi-objective' },
  { title: 'object detection, `qedge`', scene: boards(SAVING), clients: 8 },
  { title: 'batteries, nothing to save', scene: batteries(null), clients: 8 },
  { title: 'batteries, least energy', scene: batteries(SAVING), clients: 8 },
];

/** What a share that yields is held to. */
const heldText = ({ heldShare, goal }: RouterState['requirements'][number]): string =>
  heldShare !== null && heldShare < goal ? ` (held to ${(100 * heldShare).toFixed(0)})` : '';

async function stateAt(port: number): Promise<RouterState> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/state`);
  const { services } = (await answer.json()) as { readonly services: readonly RouterState[] };
  const found = services.find((state) => state.service === WATCHED);
  if (found === undefined) throw new Error(`no service ${WATCHED} in the state`);
  return found;
}

async function measure({ title, scene, clients, policy }: Row): Promise<void> {
  const adminPort = await freePort();
  const stop = new AbortController();
  const output = createWriteStream('/dev/null') as unknown as NodeJS.WriteStream;
  const lateness = monitorEventLoopDelay({ resolution: 5 });
  lateness.enable();
  const run = runDemo({
    scene,
    proxyPort: 0,
    adminPort,
    mqttPort: 0,
    clients,
    story: false,
    durationMs: null,
    policy: policy ?? null,
    release: { version: 'bench', commit: 'bench' },
    output,
    signal: stop.signal,
  });
  await delay(RUN_MS);
  const state = await stateAt(adminPort);
  stop.abort();
  await run;
  lateness.disable();
  const cells = [
    title,
    `${(100 * (state.successRatio ?? 0)).toFixed(1)} %`,
    state.requirements
      .filter(({ requirement }) => requirement !== 'latency')
      .map((one) => `${requirementText(one)}${heldText(one)}`)
      .join(', '),
    `${(100 * (state.clientsSatisfiedRatio ?? 0)).toFixed(0)} %`,
    energyPerRequest(state.instances)?.toFixed(3) ?? '',
    `${Math.max(0, lateness.percentile(99) / 1e6 - 5).toFixed(0)} ms`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

console.log(
  '| run | in time | requirements | clients with all | mWh a frame | timers late, p99 |\n|---|---:|---|---:|---:|---:|',
);
const only = process.argv[2] ?? '';
for (const row of ROWS) if (row.title.includes(only)) await measure(row);
