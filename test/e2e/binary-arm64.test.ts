// The arm64 executable under emulation: serves, proxies, writes SQLite, starts warm. What emulation cannot show is speed.
// requires: binary-arm64, qemu-aarch64-static

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { builtExecutable } from '../support/executable.ts';
import { expectWarmRestart, startInstance } from '../support/running-binary.ts';

const EMULATOR = ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'] as const;
const BUILD_TIMEOUT_MS = 600_000;
const TIMEOUT_MS = 120_000;

describe('the arm64 executable', { timeout: TIMEOUT_MS }, () => {
  let executable = '';
  const directory = mkdtempSync(join(tmpdir(), 'qedge-arm64-'));

  beforeAll(() => {
    executable = builtExecutable('arm64');
  }, BUILD_TIMEOUT_MS);
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  it('says what it is, with SQLite loaded inside and its own compiled code in use', () => {
    const [emulator, ...args] = EMULATOR;
    const result = spawnSync(emulator, [...args, executable, 'version', '--json'], {
      cwd: directory,
      encoding: 'utf8',
    });
    expect(result.stderr).toBe('');
    expect(JSON.parse(result.stdout)).toMatchObject({
      arch: 'arm64',
      codeCache: 'used',
      sqlite: expect.stringMatching(/^3\.\d+\.\d+$/),
    });
  });

  it('proxies, keeps what it learned in SQLite, stops on SIGTERM and starts warm', async () => {
    // A second attempt begins cold as well.
    rmSync(join(directory, 'state'), { recursive: true, force: true });
    const instance = await startInstance();
    onTestFinished(instance.close);
    const service = `[[service]]\nname = "pilotnet"\nqos.latency = "2s"\ninstances = ["http://127.0.0.1:${instance.port}"]`;
    const listen = '[proxy]\nlisten = "127.0.0.1:0"\n[admin]\nlisten = "127.0.0.1:0"';
    writeFileSync(
      join(directory, 'qedge.toml'),
      `[node]\nid = "jetson-1"\n${listen}\n[store]\npath = "state/qedge.db"\n${service}\n`,
    );
    await expectWarmRestart(executable, directory, { command: EMULATOR });
    // A stop before the first sync leaves the write-ahead log to the kernel.
    const left = readdirSync(join(directory, 'state')).filter((name) => name !== 'qedge.db-wal');
    expect(left).toEqual(['qedge.db']);
  });
});
