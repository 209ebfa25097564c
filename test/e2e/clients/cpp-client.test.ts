// The camera of config/clients in C++, compiled and run.
// requires: libcurl

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CLIENTS, frameOf, runClient } from '../../support/client-program.ts';
import { startProxy } from '../../support/proxy.ts';
import { startInstance } from '../../support/running-binary.ts';

const COMPILE_TIMEOUT_MS = 120_000;

describe('the client in C++', () => {
  let directory = '';
  let program = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'qedge-cpp-'));
    program = join(directory, 'frames');
    writeFileSync(join(directory, 'frame.jpg'), frameOf(5000));
    const flags = ['-Wall', '-Wextra', '-Werror', join(CLIENTS, 'frames.cpp'), '-o', program, '-lcurl'];
    expect(spawnSync('g++', flags, { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    return () => rmSync(directory, { recursive: true });
  }, COMPILE_TIMEOUT_MS);

  it('sends frames, and skips them while it is asked to wait', async () => {
    const instance = await startInstance('left');
    onTestFinished(() => instance.close());
    const { url } = await startProxy([
      { name: 'pilotnet', ports: [instance.port] },
      { name: 'away', ports: [] },
    ]);
    const run = (service: string) => runClient(program, [url, service, join(directory, 'frame.jpg'), '3']);
    expect((await run('pilotnet')).lines).toEqual(['200 left', '200 left', '200 left']);
    const { lines } = await run('away');
    expect(lines[0]).toMatch(/^503 .*no-instance/);
    expect(lines.slice(1)).toEqual(['skipped', 'skipped']);
  });
});
