// What a warm restart is worth: the share of requests that succeed in the first 10 s after qedge comes back, warm against
// cold. Everything is real but the distances: a broker, the demo's emulated continuum and its cameras in this process,
// `qedge run` in another, killed and started again under load. Run by hand:
//
//   node test/bench/warm-restart.ts [--rounds 5] [--scene calm] [--policy qedge] [--signal SIGTERM]
//
// On a machine that is busy with other things, put `chrt -r 5` before it.
//
// calm: the continuum as it starts. troubled: one near-edge server runs hot (its inference takes 3.5 times as long) and the
// link to one cloud server is 45 ms longer, since well before the restart: what a cold start has to find out again.

import '../support/bench-help.ts';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createRng } from '../../src/core/rng.ts';
import { startBroker } from '../../src/demo/broker.ts';
import { createCameras, type LoadTotals, totalsOf } from '../../src/demo/cameras/load.ts';
import { renderDrive } from '../../src/demo/cameras/road-scene.ts';
import { EmulatedCluster } from '../../src/demo/emulated/cluster.ts';
import { ROAD } from '../../src/demo/scenes/road.ts';
import { createWorkspace } from '../../src/demo/workspace.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
const CLIENTS = 10;
/** Long enough for windows, weights and probes to settle. */
const LEARN_MS = 25_000;
const MEASURED_MS = 10_000;
const EARLY_MS = 2000;

const { values: args } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    scene: { type: 'string', default: 'calm,troubled' },
    policy: { type: 'string', default: 'qedge' },
    signal: { type: 'string', default: 'SIGTERM' },
  },
});

type Start = 'warm' | 'cold';
const SCENES = ['calm', 'troubled'] as const;
type Scene = (typeof SCENES)[number];

interface Measurement {
  /** Success shares of the first 2 s and 10 s, and of the 10 s before the restart. */
  readonly early: number;
  readonly whole: number;
  readonly before: number;
  readonly gapMs: number;
}

class Bench {
  readonly #directory = mkdtempSync(join(tmpdir(), 'qedge-restart-'));
  readonly #configFile = join(this.#directory, 'qedge.toml');
  readonly #storeFile = join(this.#directory, 'qedge.db');
  readonly #continuum: EmulatedCluster;
  readonly #close: () => Promise<void>;
  readonly #port: number;
  #qedge: ChildProcess | null = null;

  private constructor(continuum: EmulatedCluster, port: number, close: () => Promise<void>) {
    this.#continuum = continuum;
    this.#port = port;
    this.#close = close;
  }

  static async start(policy: string): Promise<Bench> {
    const broker = await startBroker(0);
    const continuum = await EmulatedCluster.start({ scene: ROAD, brokerUrl: broker.url, rng: createRng(1) });
    const [proxyPort, adminPort] = await freePorts();
    const bench = new Bench(continuum, proxyPort, async () => {
      await continuum.close();
      await broker.close();
    });
    const workspace = createWorkspace({
      scene: ROAD,
      proxyPort,
      adminPort,
      brokerUrl: broker.url,
      localInstances: continuum.localInstances,
      policy,
      frame: Buffer.alloc(0),
    });
    const text = readFileSync(workspace.configFile, 'utf8');
    writeFileSync(bench.#configFile, text.replace('path = false', 'path = "qedge.db"'));
    workspace.remove();
    return bench;
  }

  async round(scene: Scene, start: Start): Promise<Measurement> {
    const factor = scene === 'troubled' ? 3.5 : 1;
    this.#continuum.slowDown('agx-orin-1', factor);
    this.#continuum.moveAway('a100-east', scene === 'troubled' ? 45 : 0);
    this.#forget();
    await this.#run();
    const cameras = createCameras({
      scene: ROAD,
      origin: `http://127.0.0.1:${this.#port}`,
      clients: CLIENTS,
      frames: renderDrive(8),
      rng: createRng(3),
    });
    for (const camera of cameras) camera.start();
    const totals = (): LoadTotals => totalsOf(cameras);
    await sleep(LEARN_MS - MEASURED_MS);
    const ended = totals();
    await sleep(MEASURED_MS);
    const before = shareBetween(ended, totals());
    const stoppedMs = performance.now();
    await this.#stop(args.signal as NodeJS.Signals);
    if (start === 'cold') this.#forget();
    await this.#run();
    const gapMs = performance.now() - stoppedMs;
    const back = totals();
    await sleep(EARLY_MS);
    const early = shareBetween(back, totals());
    await sleep(MEASURED_MS - EARLY_MS);
    const whole = shareBetween(back, totals());
    for (const camera of cameras) await camera.stop();
    await this.#stop('SIGTERM');
    return { early, whole, before, gapMs };
  }

  async close(): Promise<void> {
    await this.#stop('SIGTERM');
    await this.#close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #forget(): void {
    for (const suffix of ['', '-wal']) rmSync(`${this.#storeFile}${suffix}`, { force: true });
  }

  /** Starts qedge and waits until its port answers. */
  async #run(): Promise<void> {
    this.#qedge = spawn(process.execPath, [MAIN, 'run', '-c', this.#configFile], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    while (!(await answers(this.#port))) await sleep(5);
  }

  async #stop(signal: NodeJS.Signals): Promise<void> {
    const qedge = this.#qedge;
    this.#qedge = null;
    if (qedge === null) return;
    const ended = once(qedge, 'exit');
    qedge.kill(signal);
    await ended;
  }
}

/** Of what ended between two readings: what came in time. */
function shareBetween(from: LoadTotals, to: LoadTotals): number {
  const ended = to.inTime - from.inTime + to.late - from.late + to.failed - from.failed;
  return (to.inTime - from.inTime) / ended;
}

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports = servers.map((server) => {
    server.listen(0, '127.0.0.1');
    return once(server, 'listening').then(() => (server.address() as AddressInfo).port);
  });
  const [a = 0, b = 0] = await Promise.all(ports);
  for (const server of servers) server.close();
  return [a, b];
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asking = get({ host: '127.0.0.1', port, path: '/-/ping', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 204);
    });
    asking.on('error', () => resolve(false));
  });
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
/** Robust against a round in which the machine was busy with something else. */
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const worst = (values: readonly number[]): number => Math.min(...values);

const bench = await Bench.start(args.policy);
try {
  const rounds = Number(args.rounds);
  console.log(
    `warm restart: policy ${args.policy}, ${args.signal}, ${CLIENTS} cameras at 10 frames/s, medians of ${rounds} rounds each`,
  );
  console.log('scene     start  before   first 2 s (worst)     first 10 s (worst)    away ms');
  for (const scene of SCENES.filter((name) => args.scene.includes(name))) {
    const results: Record<Start, Measurement[]> = { warm: [], cold: [] };
    // In turn, so that what else the machine does falls on both.
    for (let i = 0; i < rounds; i++) {
      for (const start of ['warm', 'cold'] as const) results[start].push(await bench.round(scene, start));
    }
    for (const start of ['warm', 'cold'] as const) {
      const of = (key: keyof Measurement): number[] => results[start].map((result) => result[key]);
      const cells = [
        scene.padEnd(9),
        start.padEnd(6),
        percent(median(of('before'))).padEnd(8),
        `${percent(median(of('early')))} (${percent(worst(of('early')))})`.padEnd(21),
        `${percent(median(of('whole')))} (${percent(worst(of('whole')))})`.padEnd(21),
        median(of('gapMs')).toFixed(0),
      ];
      console.log(cells.join(' '));
    }
  }
} finally {
  await bench.close();
}
