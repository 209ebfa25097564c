// The single executable as a device runs it: from an empty directory, with nothing in PATH.
// requires: binary-x64

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { builtExecutable } from '../support/executable.ts';

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

  it('cannot be reached by NODE_OPTIONS', () => {
    const result = run(['version'], { NODE_OPTIONS: '--require /nonexistent.js' });
    expect(result).toMatchObject({ status: 0, stderr: '' });
  });

  it('exits 64 on a command it does not know', () => {
    expect(run(['nonsense']).status).toBe(64);
  });
});
