// requires: mosquitto
//
// Federated learning with real processes: controllers, a qedge on each node, the commands that they start, a real Mosquitto. The command
// learns nothing: it counts rounds, so that what is looked at is the orchestration.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import mqtt from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TaskState } from '../../src/learning/messages/payloads.ts';
import { freePort } from '../support/listening.ts';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { PATIENCE } from '../support/patience.ts';
import { QEDGE } from '../support/qedge-command.ts';
import { type QedgeProcess, startQedge } from '../support/qedge-process.ts';

/** Prints what it is given, and as the global aggregator puts a model and a round every 50 ms, from the snapshot on. "b" ends for nothing. */
const SERVICE = `
const { FL_NODE, FL_ROLE, FL_GENERATION, FL_SNAPSHOT_URL, FL_GIVEN } = process.env;
require('node:fs').appendFileSync(FL_GIVEN, FL_NODE + ' ' + FL_ROLE + ' ' + FL_GENERATION + ' ' + process.env.FL_PARENT + ' ' + process.pid + '\\n');
if (FL_NODE === 'b') { for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => {}); setInterval(() => {}, 1e6); }
else process.stdin.resume().on('end', () => process.exit());
const say = (facts) => console.log(JSON.stringify(facts));
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
(async () => {
  if (FL_NODE === 'liar') for (;;) { say({ round: 1e6, accuracy: 7 }); console.log('{"round": NaN}'); await wait(100); }
  if (FL_ROLE !== 'global-aggregator') return;
  const found = await fetch(FL_SNAPSHOT_URL).catch(() => null);
  let round = found?.ok ? Number(await found.text()) : 0;
  for (;;) {
    await wait(50);
    round++;
    await fetch(FL_SNAPSHOT_URL, { method: 'PUT', body: String(round), headers: { 'x-fl-round': String(round) } }).catch(() => {});
    say({ round, accuracy: 1 - 1 / (round + 1), loss: 1 / round });
  }
})();
`;

interface Rig {
  readonly broker: Mosquitto;
  readonly folder: string;
  /** What each command was given, a line each. */
  given(): readonly string[];
  /** The state of the task as it is retained. */
  state(): TaskState | null;
  node(id: string, role: string, samples?: string): Promise<QedgeProcess>;
  controller(directory: string, rounds?: number): Controller;
}

interface Controller {
  readonly child: ChildProcess;
  readonly log: readonly Record<string, unknown>[];
  said(message: string): boolean;
  readonly ended: Promise<number | null>;
}

async function rig(): Promise<Rig> {
  const broker = await startMosquitto();
  const folder = mkdtempSync(join(tmpdir(), 'qedge-learning-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'service.cjs'), SERVICE);
  const givenFile = join(folder, 'given');
  writeFileSync(givenFile, '');
  let state: TaskState | null = null;
  const client = await mqtt.connectAsync(broker.url);
  onTestFinished(() => client.endAsync(true));
  client.on('message', (_, payload) => {
    state = payload.length === 0 ? null : (JSON.parse(payload.toString()) as TaskState);
  });
  await client.subscribeAsync('qedge/v1/fl/count/state');
  return {
    broker,
    folder,
    given: () => readFileSync(givenFile, 'utf8').split('\n').filter(Boolean),
    state: () => state,
    async node(id, role, samples = '') {
      const costs = '{ global = 100, near = 50, far = 50 }';
      const toml = `[mqtt]\nurl = "${broker.url}"\n[store]\npath = false\n[fl]\ncommand = ["env", "FL_GIVEN=${givenFile}", "${process.execPath}", "${folder}/service.cjs"]\nrole = "${role}"\nport = ${await freePort()}\ncosts = ${costs}\nsamples = { ${samples} }\n`;
      return startQedge(id, toml);
    },
    controller: (directory, rounds = 1_000_000) => startController({ broker, folder, directory, rounds }),
  };
}

interface ControllerSetting {
  readonly broker: Mosquitto;
  readonly folder: string;
  readonly directory: string;
  readonly rounds: number;
}

function startController({ broker, folder, directory, rounds }: ControllerSetting): Controller {
  const file = join(folder, `${directory}.toml`);
  writeFileSync(
    file,
    `task = "count"\nmodel = 10\nbudget = 600\nsettle = "300ms"\n[mqtt]\nurl = "${broker.url}"\n[end]\nrounds = ${rounds}\n[controller]\ndirectory = "${directory}"\n`,
  );
  const [program, ...args] = QEDGE;
  const child = spawn(program, [...args, 'fl', 'run', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const log: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => log.push(JSON.parse(line)));
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return { child, log, ended, said: (message) => log.some(({ msg }) => msg === message) };
}

describe('federated learning', () => {
  it('goes on from the snapshot when its controller and a node are killed, and ignores a liar', async () => {
    const { folder, given, state, node, controller } = await rig();
    const first = controller('one');
    const nodes = await Promise.all([
      node('global', 'global-aggregator'),
      node('a', 'client', 'x = 100'),
      node('b', 'client', 'y = 100'),
      node('liar', 'client', 'x = 50'),
    ]);
    await expect.poll(() => state()?.round ?? 0, PATIENCE).toBeGreaterThan(3);
    expect(first.said('controller has the task')).toBe(true);

    // A second controller has a copy, and nothing to say.
    const second = controller('two');
    await expect.poll(() => models(join(folder, 'two', 'count')).length, PATIENCE).toBeGreaterThan(0);
    expect(second.said('controller has the task')).toBe(false);
    await expect
      .poll(() => state()?.ignored.find((one) => one.node === 'liar')?.count ?? 0, PATIENCE)
      .toBeGreaterThan(2);
    expect(state()?.ignored.map((one) => one.node)).toEqual(['liar']);

    // Both at once: their last wills come after 5 s.
    const { round = 0, generation = 0 } = state() ?? {};
    const [, , b] = nodes;
    const killedMs = performance.now();
    first.child.kill('SIGKILL');
    await b?.stop('SIGKILL');
    await expect.poll(() => second.said('generation begins'), PATIENCE).toBe(true);
    // And 5 s more, on a machine that has time for it.
    expect(performance.now() - killedMs).toBeLessThan(20_000);
    const begun = second.log.find(({ msg }) => msg === 'generation begins');
    expect(begun?.round).toBeGreaterThan(0);
    expect(begun?.generation).toBe(generation + 1);
    await expect
      .poll(() => state()?.configuration?.clusters.flatMap(({ clients }) => clients), PATIENCE)
      .toEqual(['a', 'liar']);
    await expect.poll(() => state()?.round ?? 0, PATIENCE).toBeGreaterThan(round);
    // A killed qedge leaves no command behind, no matter what that does.
    const command = Number(
      given()
        .find((line) => line.startsWith('b '))
        ?.split(' ')
        .at(-1),
    );
    await expect.poll(() => isAlive(command), PATIENCE).toBe(false);
    const newest = `a client ${state()?.generation} `;
    await expect.poll(() => given().some((line) => line.startsWith(newest)), PATIENCE).toBe(true);
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
  });

  it('goes on from the snapshot when an aggregator is killed, with all clients', async () => {
    const { given, state, node, controller } = await rig();
    const [, , far] = await Promise.all([
      node('global', 'global-aggregator'),
      node('near', 'aggregator'),
      node('far', 'aggregator'),
      node('a', 'client', 'x = 100'),
      node('c', 'client', 'y = 100'),
    ]);
    controller('one');
    await expect.poll(() => state()?.round ?? 0, PATIENCE).toBeGreaterThan(3);
    const { round = 0, generation = 0, configuration } = state() ?? {};
    expect(configuration?.clusters.map(({ aggregator }) => aggregator).sort()).toEqual(['far', 'near']);

    await far?.stop('SIGKILL');
    await expect.poll(() => state()?.generation ?? 0, PATIENCE).toBeGreaterThan(generation);
    await expect.poll(() => state()?.round ?? 0, PATIENCE).toBeGreaterThan(round);
    const clusters = state()?.configuration?.clusters ?? [];
    expect(clusters.map(({ aggregator }) => aggregator)).not.toContain('far');
    expect(clusters.flatMap(({ clients }) => clients).sort()).toEqual(['a', 'c']);
    const newest = state()?.generation;
    for (const client of ['a', 'c'])
      await expect
        .poll(() => given().some((line) => line.startsWith(`${client} client ${newest} `)), PATIENCE)
        .toBe(true);
  });

  it('ends by its rounds, with its commands stopped and one claim for two controllers', async () => {
    const { given, state, node, controller } = await rig();
    await Promise.all([node('global', 'global-aggregator'), node('a', 'client', 'x = 100')]);
    const both = [controller('one', 10), controller('two', 10)];
    expect(await Promise.all(both.map(({ ended }) => ended))).toEqual([0, 0]);
    expect(both.filter(({ said }) => said('controller has the task'))).toHaveLength(1);
    expect(both.every(({ said }) => said('task done'))).toBe(true);
    expect(state()).toMatchObject({ phase: 'done', reason: expect.stringMatching(/^1\d rounds of 10$/) });
    expect(
      given()
        .map((line) => line.split(' ').slice(0, 3).join(' '))
        .sort(),
    ).toEqual(['a client 1', 'global global-aggregator 1']);
  });
});

/** Not one that only waits to be collected. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}

function models(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.model'));
  } catch {
    return [];
  }
}
