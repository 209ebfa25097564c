// Folders made where they are missing. Node's own way (`recursive`) asks again without end where a folder that is there takes no
// folder and calls that "no such file", as /proc does.

import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder, and those above it.
 *
 * @throws Error with a code where it cannot be made
 */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && dirname(path) !== path) {
      makeFolder(dirname(path));
      makeLast(path);
    } else if (!isFolder(path)) {
      throw error;
    }
  }
}

/** One whose parent is there. */
function makeLast(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (!isFolder(path)) throw error;
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
