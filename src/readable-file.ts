// Files that the configuration names, read whole. A named pipe without a writer would hold the process for good, and a device may
// have no end: neither is read.

import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * Content of a regular file, or of a pipe that a shell makes (`<(…)`).
 *
 * @throws Error with a code where it cannot be read
 */
export function readNamedFile(file: string): Buffer {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = fstatSync(fd);
    if (found.isFile()) return readFileSync(fd);
    // Such a pipe has no name, and a writer from the first.
    const isReadable = found.isDirectory() || readlinkSync(`/proc/self/fd/${fd}`).startsWith('pipe:');
    if (!isReadable) throw Object.assign(new Error(`${file} is no regular file`), { code: 'no regular file' });
  } finally {
    closeSync(fd);
  }
  return readFileSync(file);
}
