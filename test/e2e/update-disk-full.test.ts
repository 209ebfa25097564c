// The disk is full in the middle of the copy: the old executable stays, and the half-written one does not.

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
    const result = spawnSync('sh', ['-c', smallDisk(small, join(directory, 'new')), process.execPath], {
      encoding: 'utf8',
    });
    expect(result.stderr).toBe('');
    const outcome = JSON.parse(result.stdout);
    expect(outcome).toMatchObject({ message: expect.stringMatching(/ENOSPC|EFBIG/), inPlace: 'old', files: ['qedge'] });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

/** A file system of 2 MiB; where mounting is not allowed (an ordinary container), a limit of 1 MiB for any file. */
function smallDisk(directory: string, file: string): string {
  const work = `TMPDIR=${directory} exec "$0" ${SCRIPT} ${file}`;
  const mount = `mount -t tmpfs -o size=2m none ${directory}`;
  const allowed = spawnSync('unshare', ['-rm', 'sh', '-c', mount]).status === 0;
  return allowed ? `exec unshare -rm sh -c '${mount} && ${work}' "$0"` : `ulimit -f 2048; ${work}`;
}
