import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { measureStartMs } from '../../build/start-gate.ts';

function program(script: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-gate-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'program');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('the gate of a start', () => {
  it('is over when the program says that it has started', async () => {
    await expect(measureStartMs(program(`echo '{"msg":"qedge started"}'; exec sleep 60`))).resolves.toBeGreaterThan(-1);
  });

  it('fails for a program that ends before, with what it said', async () => {
    await expect(measureStartMs(program('echo no configuration >&2; exit 78'))).rejects.toThrow(
      /ended with 78 before it listened:\nno configuration/,
    );
  });

  it('fails for a program that hangs', async () => {
    await expect(measureStartMs(program('exec sleep 600'), 200)).rejects.toThrow('ended with SIGKILL');
  });
});
