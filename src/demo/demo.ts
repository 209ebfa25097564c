// The demo as a whole: broker, nodes, proxy and cameras come up in that order and go down in the reverse one, no matter what
// happens in between.

import { setTimeout as delay } from 'node:timers/promises';
import { startApp } from '../app/app.ts';
import type { App } from '../app/running-app.ts';
import type { Config, ListenAddress } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { createRng } from '../core/rng.ts';
import type { RouterState } from '../core/service-router.ts';
import { createLogger, type ProcessLog } from '../telemetry/log.ts';
import { paintFor } from '../terminal/paint.ts';
import { startBroker } from './broker.ts';
import type { CameraClient } from './cameras/camera-client.ts';
import { createCameras, totalsOf } from './cameras/load.ts';
import { renderDrive } from './cameras/road-scene.ts';
import { EmulatedCluster } from './emulated/cluster.ts';
import type { Scene } from './scenes/scene.ts';
import { curlLine, renderIntroduction } from './screen/introduction.ts';
import { renderSummary, startReporter } from './screen/report.ts';
import type { ClientView, DemoView, HappeningView } from './screen/screen.ts';
import { StallWatch } from './screen/stall-watch.ts';
import { playStory } from './story.ts';
import { createWorkspace } from './workspace.ts';

export interface DemoOptions {
  readonly scene: Scene;
  /** 0: any free port, here and below. */
  readonly proxyPort: number;
  readonly adminPort: number;
  readonly mqttPort: number;
  /** Cameras of all services together; 0: no load. */
  readonly clients: number;
  /** Whether things happen to the nodes. */
  readonly story: boolean;
  /** Null: until `signal` is aborted. */
  readonly durationMs: number | null;
  /** Null: the proxy's default. */
  readonly policy: string | null;
  /** What the admin port reports of the build. */
  readonly release: { readonly version: string; readonly commit: string };
  readonly output: NodeJS.WriteStream;
  readonly signal: AbortSignal;
}

/** A drive of four seconds: long enough that no two neighbours look alike, quick to draw. */
const FRAMES = 40;
/** Fixed, so that the emulated parts behave alike in every run. */
const SEED = 20_251_205;
/** Placement over MQTT takes milliseconds; past this the demo goes on with what there is. */
const PLACEMENT_WAIT_MS = 3_000;

/** Runs the demo to its end. Throws a `CommandError` when a port is taken. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const closers: (() => void | Promise<void>)[] = [];
  try {
    await run(options, closers);
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

async function run(options: DemoOptions, closers: (() => void | Promise<void>)[]): Promise<void> {
  const { scene, output, signal } = options;
  const rng = createRng(SEED);
  const frames = renderDrive(FRAMES);
  const broker = await startBroker(options.mqttPort);
  closers.push(() => broker.close());
  const continuum = await EmulatedCluster.start({ scene, brokerUrl: broker.url, rng });
  closers.push(() => continuum.close());
  const { localInstances } = continuum;
  const frame = frames[0] ?? Buffer.alloc(0);
  const workspace = createWorkspace({ ...options, brokerUrl: broker.url, localInstances, frame });
  closers.push(() => workspace.remove());
  const config = loadConfig(workspace.configFile);
  const stalls = new StallWatch();
  closers.push(() => stalls.stop());
  const app = await startApp(config, {
    ...options.release,
    log: logBeside(config),
    seed: SEED,
    troubles: () => (stalls.notice === null ? [] : [stalls.notice]),
  });
  closers.push(() => app.stop());
  await placementKnown(app, continuum, signal);
  if (signal.aborted) return;

  const print = (lines: readonly string[]): void => {
    output.write(`${lines.join('\n')}\n`);
  };
  const paint = paintFor(output);
  const proxyUrl = urlOf(app.proxyListeners.find(({ name }) => name === 'proxy') ?? config.proxy.listen);
  const facts = {
    scene,
    proxyUrl,
    adminUrl: urlOf(app.adminListener),
    brokerUrl: broker.url,
    nodes: continuum.nodes.length,
    instances: instanceCount(continuum),
    clients: options.clients,
    frameBytes: frame.length,
    configFile: workspace.configFile,
    frameFile: workspace.frameFile,
  };
  print(renderIntroduction(facts, paint));

  const cameras = createCameras({ scene, origin: proxyUrl, clients: options.clients, frames, rng });
  closers.push(async () => {
    await Promise.all(cameras.map((camera) => camera.stop()));
  });
  const hints = { dashboardUrl: facts.adminUrl, curl: curlLine(facts) };
  const view = await watch({ options, app, continuum, cameras, stalls, hints });
  print(['', ...renderSummary({ ...view, notice: stalls.summary }, totalsOf(cameras), paint)]);
}

interface Stage {
  readonly options: DemoOptions;
  readonly app: App;
  readonly continuum: EmulatedCluster;
  readonly cameras: readonly CameraClient[];
  readonly stalls: StallWatch;
  readonly hints: Pick<DemoView, 'dashboardUrl' | 'curl'>;
}

/** The time between start and end: load, story, picture. Returns the last view. */
async function watch({ options, app, continuum, cameras, stalls, hints }: Stage): Promise<DemoView> {
  const startMs = performance.now();
  const happenings: HappeningView[] = [];
  const view = (): DemoView => {
    const nowMs = performance.now();
    return {
      elapsedMs: nowMs - startMs,
      services: statesOf(app).map((state) => ({ state, clients: clientsOf(state, cameras, nowMs) })),
      happenings,
      notice: stalls.notice,
      ...hints,
    };
  };
  for (const camera of cameras) camera.start();
  const reporter = startReporter(options.output, view);
  const announce = (text: string): void => {
    happenings.push({ atMs: performance.now() - startMs, text });
    reporter.happened(text);
  };
  const setFrameRate = (framesPerSecond: number): void => {
    for (const camera of cameras) camera.setFrameRate(framesPerSecond);
  };
  const story = options.story
    ? playStory({
        scene: options.scene,
        levers: { cluster: continuum, setFrameRate },
        announce,
        onError: (error) => announce(`the story went wrong: ${String(error)}`),
      })
    : null;
  await pause(options.durationMs, options.signal);
  story?.stop();
  const last = view();
  reporter.end();
  return last;
}

/** As the cameras measured it; where none drives, as the proxy accounts for what is sent by hand. */
function clientsOf(state: RouterState, cameras: readonly CameraClient[], nowMs: number): readonly ClientView[] {
  const own = cameras.filter(({ service }) => service === state.service);
  return own.length === 0
    ? state.clients
    : own.map(({ clientId, window }) => ({ clientId, successRatio: window.ratio(nowMs) }));
}

/** Waits until the proxy has heard of every instance, so that the first frame finds them all. */
async function placementKnown(app: App, continuum: EmulatedCluster, signal: AbortSignal): Promise<void> {
  const wanted = instanceCount(continuum);
  const deadlineMs = performance.now() + PLACEMENT_WAIT_MS;
  const known = (): number => statesOf(app).reduce((sum, { instances }) => sum + instances.length, 0);
  while (known() < wanted && performance.now() < deadlineMs && !signal.aborted) await delay(20);
}

function statesOf(app: App): readonly RouterState[] {
  const nowMs = performance.now();
  return [...app.services.values()].map((router) => router.state(nowMs));
}

function urlOf({ host, port }: ListenAddress): string {
  return `http://${host}:${port}`;
}

/** Standard output is for the picture: what goes wrong is logged beside it. */
function logBeside({ log, node }: Config): ProcessLog {
  const destination = process.stderr;
  return {
    logger: createLogger({ level: log.level, nodeId: node.id, destination }),
    write: (line) => destination.write(line),
    droppedLines: 0,
    close: async () => {},
  };
}

function instanceCount(continuum: EmulatedCluster): number {
  return continuum.nodes.reduce((sum, { instances }) => sum + instances.size, 0);
}

/** Resolves after `ms` (null: never by itself) or when aborted. */
async function pause(ms: number | null, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = ms === null ? null : setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        if (timer !== null) clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
