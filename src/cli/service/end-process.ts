// The end of a service, even on a disk that stalls.

import { loadNativeAddon } from '../../sea.ts';

/**
 * Ends this process. Node waits for its threads to end, and a thread that the disk holds up ends when the disk likes
 * (`heldByDisk`): then the process ends without it.
 */
export function endProcess(exitCode: number, heldByDisk: boolean): never {
  if (!heldByDisk) process.exit(exitCode);
  try {
    loadNativeAddon()?.exit(exitCode);
  } catch {
    // No directory lets it be loaded.
  }
  // From source there is no addon, and no other way.
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable');
}
