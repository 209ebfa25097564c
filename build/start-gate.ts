// From exec to listening: what a client waits for when a device restarts the service or swaps the binary.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Some two times what a quiet machine of two cores takes with a warm store; the build fails for a start that hangs or grows. */
export const START_MS_MAX = 900;
/** What else the machine does only ever adds to the time, so the best of several starts is what is judged. */
const STARTS = 10;
/** A start that takes longer hangs. */
const HUNG_MS = 60_000;

const CONFIG = join(import.meta.dirname, 'start/start.toml');

/**
 * The shortest of a few starts with a warm store, in ms, without the time that the process was ready to run and another
 * one had the core: the machine that builds may be a busy one.
 */
export async function measureStartMs(executable: string, hungMs = HUNG_MS): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'qedge-start-'));
  try {
    const text = readFileSync(CONFIG, 'utf8').replace('path = false', 'path = "state/qedge.db"');
    writeFileSync(join(directory, 'qedge.toml'), text);
    let bestMs = Number.POSITIVE_INFINITY;
    for (let start = 0; start < STARTS; start++) {
      bestMs = Math.min(bestMs, await startOnce(executable, directory, hungMs));
    }
    return bestMs;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function startOnce(executable: string, directory: string, hungMs: number): Promise<number> {
  const beganMs = performance.now();
  const child = spawn(executable, ['run', '-c', 'qedge.toml'], {
    cwd: directory,
    env: {},
    timeout: hungMs,
    killSignal: 'SIGKILL',
  });
  const ended = once(child, 'exit');
  let output = '';
  const listening = new Promise<number>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (output.includes('"qedge started"')) resolve(performance.now() - beganMs - waitedMs(child.pid));
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(`${executable} run ended with ${code ?? signal} before it listened:\n${output}`)),
    );
  });
  const tookMs = await listening;
  child.kill('SIGTERM');
  await ended;
  return tookMs;
}

/** Time on the run queue, from the kernel's scheduler; 0 where it keeps no such account. */
function waitedMs(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}
