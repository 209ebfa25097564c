// Could the store be kept there? Answered without opening or making anything.

import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { APPLICATION_ID, inspectHeader } from './file/header.ts';

/** File systems of the kernel's, where root seems allowed to write and no file can be made (statfs(2)). */
const KERNEL_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x9fa0, 'proc'],
  [0x62656572, 'sysfs'],
  [0x63677270, 'cgroup2'],
]);

/** Why the store cannot be kept at `path`, or null when it can. A directory that is missing would be made. */
export function checkStorePath(path: string): string | null {
  try {
    const file = statSync(path, { throwIfNoEntry: false });
    if (file === undefined) return checkDirectory(dirname(path));
    if (!file.isFile()) return `${path} is no regular file`;
    accessSync(path, constants.R_OK | constants.W_OK);
    const { foreign } = inspectHeader(path, APPLICATION_ID);
    if (foreign !== null) return `${path} is ${foreign}`;
    // SQLite writes a second file beside it.
    return checkDirectory(dirname(path));
  } catch (error) {
    return `${path}: ${wordsOf(error)}`;
  }
}

function checkDirectory(path: string): string | null {
  const directory = statSync(path, { throwIfNoEntry: false });
  if (directory === undefined) return dirname(path) === path ? `${path} is missing` : checkDirectory(dirname(path));
  if (!directory.isDirectory()) return `${path} is no directory`;
  const kernel = KERNEL_FILE_SYSTEMS.get(statfsSync(path).type);
  if (kernel !== undefined) return `${path} is of ${kernel}, which keeps no files`;
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return `${path}: ${wordsOf(error)}`;
  }
}

function wordsOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EACCES' || code === 'EPERM') return 'not allowed to write';
  return code === 'EROFS' ? 'read-only file system' : (code ?? String(error));
}
