// How long a task of federated learning has no controller when the one that had it goes: by kill, and frozen, as a machine without power
// is. Real Mosquitto, real processes, real training. `node test/bench/takeover.ts [RUNS]`.

import '../support/bench-help.ts';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import mqtt from 'mqtt';
import type { TaskState } from '../../src/learning/messages/payloads.ts';
import { freePort } from '../support/listening.ts';
import { startMosquittoUnmanaged } from '../support/mosquitto.ts';
import { QEDGE } from '../support/qedge-command.ts';

const POLL_MS = 10;
const NODES = [
  ['g', 'global-aggregator', ''],
  ['a', 'client', '"0" = 40000, "1" = 40000'],
  ['b', 'client', '"2" = 40000, "3" = 40000'],
] as const;

const broker = await startMosquittoUnmanaged();
const folder = mkdtempSync(join(tmpdir(), 'qedge-takeover-'));
const children: ChildProcess[] = [];
let state: TaskState | null = null;

try {
  const client = await mqtt.connectAsync(broker.url);
  client.on('message', (_, payload) => {
    state = JSON.parse(payload.toString()) as TaskState;
  });
  await client.subscribeAsync('qedge/v1/fl/bench/state');
  for (const [id, role, samples] of NODES) await startNode(id, role, samples);
  let holder = startController(0);
  await until(() => roundOf(state) > 2);
  console.log(
    '| the controller is | another has the task | a generation begins | the next round is done |\n|---|---:|---:|---:|',
  );
  const runs = Number(process.argv[2] ?? 3);
  for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
    for (let run = 0; run < runs; run++) holder = await takeOver(holder, signal);
  }
  await client.endAsync(true);
} finally {
  for (const child of children) child.kill('SIGKILL');
  await broker.remove();
  rmSync(folder, { recursive: true, force: true });
}

async function takeOver(holder: Controller, signal: 'SIGKILL' | 'SIGSTOP'): Promise<Controller> {
  const next = startController(children.length);
  await until(() => next.said('broker connected') !== null);
  // It has a copy by then, and has heard the holder again.
  await delay(3_000);
  const { generation = 0 } = state ?? {};
  const startMs = Date.now();
  holder.child.kill(signal);
  await until(() => next.said('generation begins') !== null);
  const from = roundOf(state);
  await until(() => (state?.generation ?? 0) > generation && roundOf(state) > from);
  const seconds = (ms: number): string => `${((ms - startMs) / 1_000).toFixed(1)} s`;
  const [has, begins] = [next.said('controller has the task') ?? 0, next.said('generation begins') ?? 0];
  const what = signal === 'SIGKILL' ? 'killed' : 'frozen';
  console.log(`| ${what} | ${seconds(has)} | ${seconds(begins)} | ${seconds(Date.now())} |`);
  holder.child.kill('SIGKILL');
  return next;
}

interface Controller {
  readonly child: ChildProcess;
  /** When it logged this, or null. */
  said(message: string): number | null;
}

function startController(number: number): Controller {
  const file = join(folder, `task-${number}.toml`);
  writeFileSync(
    file,
    `task = "bench"\nmodel = 10\nbudget = 600\n[mqtt]\nurl = "${broker.url}"\n[end]\nrounds = 1000000\n[controller]\ndirectory = "models-${number}"\n`,
  );
  const child = spawned(['fl', 'run', file]);
  const said = new Map<string, number>();
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    const { msg, time } = JSON.parse(line) as { readonly msg: string; readonly time: string };
    if (!said.has(msg)) said.set(msg, Date.parse(time));
  });
  return { child, said: (message) => said.get(message) ?? null };
}

async function startNode(id: string, role: string, samples: string): Promise<void> {
  const file = join(folder, `${id}.toml`);
  const command = JSON.stringify([...QEDGE, 'fl', 'service']);
  writeFileSync(
    file,
    `[node]\nid = "${id}"\naddress = "127.0.0.1"\n[proxy]\nlisten = "127.0.0.1:0"\n[admin]\nlisten = "127.0.0.1:0"\n[store]\npath = false\n[mqtt]\nurl = "${broker.url}"\n[fl]\ncommand = ${command}\nrole = "${role}"\nport = ${await freePort()}\ncosts = { g = 100 }\nsamples = { ${samples} }\n`,
  );
  spawned(['run', '-c', file]).stdout?.resume();
}

function spawned(args: readonly string[]): ChildProcess {
  const [program, ...before] = QEDGE;
  const child = spawn(program, [...before, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await delay(POLL_MS);
}

/** 0 before the first message. */
function roundOf(state: TaskState | null): number {
  return state?.round ?? 0;
}
