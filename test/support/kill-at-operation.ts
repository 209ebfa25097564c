// Ends this process with SIGKILL just before its n-th change to the file system: nothing runs afterwards, no `catch` and
// no `finally`, as when the power goes. Loaded before the code that is to suffer it.

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const CHANGES = [
  'openSync',
  'writeSync',
  'fsyncSync',
  'renameSync',
  'linkSync',
  'rmSync',
  'chmodSync',
  'fchmodSync',
] as const;

/** `n` counts from 1; 0 never kills. Returns how many changes there have been. */
export function killAtOperation(n: number): () => number {
  let count = 0;
  const functions = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of CHANGES) {
    const original = functions[name];
    if (original === undefined) throw new Error(`node:fs has no ${name}`);
    functions[name] = (...args) => {
      if (++count === n) process.kill(process.pid, 'SIGKILL');
      return original(...args);
    };
  }
  syncBuiltinESMExports();
  return () => count;
}
