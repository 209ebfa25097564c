import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { checkStorePath } from '../../src/store/check-path.ts';

it.each([
  ['/proc/q.db', '/proc is of proc, which keeps no files'],
  ['/proc/sys/no/such/q.db', '/proc/sys is of proc, which keeps no files'],
  ['/sys/q.db', '/sys is of sysfs, which keeps no files'],
  ['/dev/null', '/dev/null is no regular file'],
])('the store cannot be kept at %s, not even by root', (path, problem) => {
  expect(checkStorePath(path)).toBe(problem);
});

it('the store can be kept in a directory that is there or would be made', () => {
  const directory = mkdtempSync(join(tmpdir(), 'qedge-check-path-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'empty.db'), '');
  for (const file of ['q.db', 'state/deep/q.db', 'empty.db']) {
    expect(checkStorePath(join(directory, file))).toBeNull();
  }
});
