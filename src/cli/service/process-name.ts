// What `top`, `ps` and `pidof` call this process. Node names its main thread `MainThread`; a title set through Node would
// replace the arguments as well.

import { writeFileSync } from 'node:fs';

/** The name of the process is that of its first thread (proc_pid_comm(5)). Does nothing where /proc is not mounted. */
export function nameProcess(name: string): void {
  try {
    writeFileSync('/proc/self/comm', name);
  } catch {
    // A name is a convenience.
  }
}
