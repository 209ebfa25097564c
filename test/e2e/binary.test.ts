// The single executable as a device runs it: from an empty directory, with nothing in PATH.
// requires: binary-x64

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { builtExecutable } from '../support/executable.ts';
import { PATIENCE } from '../support/patience.ts';
import { expectWarmRestart, startInstance, startQedge } from '../support/running-binary.ts';

const CONFIG = `
[node]
id = "pi-7"
[proxy]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[store]
path = "state/qedge.db"
[[service]]
name = "pilotnet"
qos.latency = "80ms"
instances = ["http://127.0.0.1:9"]
`;
const BUILD_TIMEOUT_MS = 300_000;

describe('the x64 executable', () => {
  let executable = '';
  let directory = '';

  beforeAll(() => {
    executable = builtExecutable('x64');
  }, BUILD_TIMEOUT_MS);
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'qedge-binary-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    spawnSync(executable, args, { cwd: directory, env, encoding: 'utf8' });

  it('says what it is, with SQLite loaded inside, and leaves no file behind', () => {
    const result = run(['version', '--json']);
    expect(result.stderr).toBe('');
    expect(JSON.parse(result.stdout)).toMatchObject({ arch: 'x64', sqlite: expect.stringMatching(/^3\.\d+\.\d+$/) });
    expect(readdirSync(directory)).toEqual([]);
  });

  it('loads SQLite where the first scratch directories do not exist or cannot be written to', () => {
    const result = run(['version'], { CACHE_DIRECTORY: '/nonexistent', STATE_DIRECTORY: '/proc' });
    expect(result).toMatchObject({ status: 0, stderr: '' });
  });

  it('starts from code that is compiled already', () => {
    expect(JSON.parse(run(['version', '--json']).stdout)).toMatchObject({ codeCache: 'used' });
  });

  it('checks a configuration: 0 when good, 78 with the place of each mistake', () => {
    writeFileSync(join(directory, 'good.toml'), CONFIG);
    writeFileSync(join(directory, 'bad.toml'), CONFIG.replace('"80ms"', '80'));
    expect(run(['check', '-c', 'good.toml'])).toMatchObject({ status: 0, stderr: '' });
    const bad = run(['check', '-c', 'bad.toml']);
    expect(bad.status).toBe(78);
    expect(bad.stderr).toMatch(/^bad\.toml:\d+:\d+: service\[?.*latency: /m);
  });

  it('proxies, keeps what it learned in SQLite, stops on SIGTERM and starts warm', async () => {
    const instance = await startInstance();
    onTestFinished(instance.close);
    writeFileSync(join(directory, 'qedge.toml'), CONFIG.replace('127.0.0.1:9', `127.0.0.1:${instance.port}`));
    await expectWarmRestart(executable, directory);
    // A stop soon after the start does not wait for a slow disk: it may leave the write-ahead log beside the file.
    const left = readdirSync(directory, { recursive: true }).filter((name) => name !== 'state/qedge.db-wal');
    expect(left.sort()).toEqual(['qedge.toml', 'state', 'state/qedge.db']);
  });

  it('gives back the pages of its own file that only the start needed', async () => {
    writeFileSync(join(directory, 'qedge.toml'), CONFIG);
    const qedge = await startQedge(executable, directory);
    const kb = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${qedge.pid}/status`, 'utf8'))?.[1]);
    // A start maps twice as much of the file as is needed later; the peak stays on record, whenever this looks.
    await expect.poll(() => kb('VmHWM') - kb('VmRSS'), PATIENCE).toBeGreaterThan(10_000);
    expect((await fetch(qedge.proxyUrl)).status).toBe(404);
    expect(await qedge.stop()).toBe(0);
  });

  it('cannot be reached by what Node reads of the environment', async () => {
    const rubbish = join(directory, 'rubbish');
    writeFileSync(rubbish, 'rubbish\n');
    const env = {
      NODE_COMPILE_CACHE: join(directory, 'compiled'),
      NODE_EXTRA_CA_CERTS: rubbish,
      NODE_OPTIONS: '--require /nonexistent.js',
      NODE_REPL_EXTERNAL_MODULE: rubbish,
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: 'http://127.0.0.1:9',
      HTTPS_PROXY: 'http://127.0.0.1:9',
      OPENSSL_CONF: rubbish,
    };
    writeFileSync(join(directory, 'qedge.toml'), CONFIG.replace('"state/qedge.db"', 'false'));
    const qedge = await startQedge(executable, directory, { env });
    expect(run(['status', '--url', qedge.adminUrl, '--json'], env)).toMatchObject({ status: 0, stderr: '' });
    expect(await qedge.stop()).toBe(0);
    expect(readdirSync(directory).sort()).toEqual(['qedge.toml', 'rubbish']);
  });

  it('exits 64 on a command it does not know', () => {
    expect(run(['nonsense']).status).toBe(64);
  });
});
