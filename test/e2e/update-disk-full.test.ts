// The disk is full in the middle of the copy: the old executable stays, and the half-written one does not.
// requires: mount-namespace

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const SCRIPT = join(import.meta.dirname, '../support/disk-full.ts');

it('an update that does not fit leaves everything as it was', () => {
  const directory = mkdtempSync(join(tmpdir(), 'qedge-disk-full-'));
  try {
    const small = join(directory, 'small');
    mkdirSync(small);
    writeFileSync(join(directory, 'new'), Buffer.alloc(4 * 1024 * 1024));
    const inside = `mount -t tmpfs -o size=2m none ${small} && TMPDIR=${small} exec "$0" ${SCRIPT} ${directory}/new`;
    const result = spawnSync('unshare', ['-rm', 'sh', '-c', inside, process.execPath], { encoding: 'utf8' });
    expect(result.stderr).toBe('');
    const outcome = JSON.parse(result.stdout);
    expect(outcome).toMatchObject({ message: expect.stringContaining('ENOSPC'), inPlace: 'old', files: ['qedge'] });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
