// From exec to listening, beside a Node that has nothing to do.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { measureStartMs } from '../../../../build/start-gate.ts';
import { BINARY } from '../contenders.ts';
import { print } from '../table.ts';

const STARTS = 10;

/** Measures and prints; nothing where there is no binary. */
export async function startTable(): Promise<void> {
  if (!existsSync(BINARY)) return;
  const rows = [
    ['qedge, exec to listening', (await measureStartMs(BINARY)).toFixed(0)],
    ['qedge --version', wholeRunMs(BINARY, '--version').toFixed(0)],
    ['node, an empty script', wholeRunMs(process.execPath, '-e', '0').toFixed(0)],
  ];
  print(['start, the shortest of ten', 'ms'], rows);
}

function wholeRunMs(program: string, ...args: readonly string[]): number {
  const runs = Array.from({ length: STARTS }, () => {
    const startMs = performance.now();
    spawnSync(program, args, { env: {} });
    return performance.now() - startMs;
  });
  return Math.min(...runs);
}
