import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runCli } from '../../../src/cli/program.ts';
import { QEDGE } from '../../support/qedge-command.ts';

const SCENARIO = `name = "small"
duration = "5s"
policies = ["qedge"]
qos = { latency = "80ms" }

[topology]
kind = "matrix"
nodes = ["a", "b"]
rtt = [[0.5, 10], [10, 0.5]]
instances = ["a", "b"]

[[clients]]
each = 1
rate = 10
`;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const [program, ...first] = QEDGE;
const simulate = (...args: string[]): Promise<Ended> =>
  new Promise((done) => {
    execFile(program, [...first, 'simulate', ...args], (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });

describe('qedge simulate', () => {
  let directory = '';
  let file = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'qedge-simulate-'));
    file = join(directory, 'small.toml');
    writeFileSync(file, SCENARIO);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('prints a table, and writes CSV, JSON and the report where it is asked', async () => {
    const out = join(directory, 'out');
    const { code, stdout, stderr } = await simulate(file, '--policy', 'qedge,random', '--seeds', '1-2', '--out', out);
    expect({ code, lines: stdout.split('\n').length }).toEqual({ code: 0, lines: 8 });
    expect(stderr).toMatch(/^wrote .*small\.csv, .*small\.json, .*small\.html\n$/);
    expect(readdirSync(out).toSorted()).toEqual(['small.csv', 'small.html', 'small.json']);
    expect(readFileSync(join(out, 'small.csv'), 'utf8').trimEnd().split('\r\n')).toHaveLength(5);
  });

  it('says before the runs that it cannot write what comes of them', async () => {
    const { code, stdout, stderr } = await simulate(file, '--out', file);
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: `qedge: cannot write to ${file}: is a file already\n`,
    });
  });

  it('prints JSON for programs, the same in every process', async () => {
    const [first, again] = await Promise.all([
      simulate(file, '--json', '--no-oracle'),
      simulate(file, '--json', '--no-oracle'),
    ]);
    expect(JSON.parse(first.stdout).results).toHaveLength(1);
    expect(again.stdout).toBe(first.stdout);
  });

  it('exits 78 with every mistake of the scenario', async () => {
    const bad = join(directory, 'bad.toml');
    writeFileSync(bad, SCENARIO.replace('rate = 10', 'rate = -1').replace('[0.5, 10]', '[0.5]'));
    const { code, stdout, stderr } = await simulate(bad);
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
    expect(stderr).toBe(
      'bad.toml:9:8: topology.rtt: expected 2 round trips, one a node, got 1\n' +
        'bad.toml:14:1: clients.rate: expected more than 0, got -1\n',
    );
  });

  it('exits 78, with the place, when no generated topology puts every node in reach', async () => {
    const far = join(directory, 'far.toml');
    writeFileSync(
      far,
      SCENARIO.replace(/kind = "matrix".*\["a", "b"\]/s, 'kind = "europe"\ninstances = 1').replace('80ms', '20ms'),
    );
    const { code, stdout, stderr } = await simulate(far, '--seeds', '7');
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
    expect(stderr).toBe(
      'far.toml:6:1: topology: no topology with every node within 12 ms of one of 1 instances: seed 7, 1000 draws\n',
    );
  });

  it.each([
    ['an unknown policy', ['--policy', 'fastest'], 'unknown policy "fastest"'],
    [
      'an option out of range',
      ['--policy', 'random,proxy-mity:alpha=2'],
      '--policy proxy-mity:alpha=2: alpha: expected',
    ],
    ['seeds that are none', ['--seeds', '3-1'], 'expected seeds such as'],
    ['a load below nothing', ['--load', '-1'], 'expected a number above 0'],
  ])('exits 64 for %s', async (_, args, message) => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const code = await runCli(['simulate', file, ...args]);
    expect(code).toBe(64);
    expect(said.mock.calls.join('')).toContain(message);
    said.mockRestore();
  });
});
