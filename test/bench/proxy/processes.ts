// Processes on a core of their own, and what they used: CPU time to the nanosecond, memory as the kernel counts it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';

export interface Started {
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts `command` on `core` and waits until `port` answers. Throws with what it printed when it ends before that. */
export async function start(
  command: readonly string[],
  options: { readonly core: number; readonly port: number; readonly env?: NodeJS.ProcessEnv },
): Promise<Started> {
  const child = spawn('taskset', ['-c', String(options.core), ...command], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk).slice(-4000);
    });
  }
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command[0]} did not start`);
  await answering(options.port, child, () => `${command.join(' ')} ended early:\n${output}`);
  return {
    pid,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

async function answering(port: number, child: ChildProcess, why: () => string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) throw new Error(why());
    if (await canConnect(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing listens on ${port}: ${why()}`);
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** CPU time of all threads of a process so far, µs. */
export function cpuMicros(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
    try {
      const nanoseconds = Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
      return sum + nanoseconds / 1000;
    } catch {
      return sum;
    }
  }, 0);
}

export interface Memory {
  readonly rssMb: number;
  /** The highest of `rssMb` since the start, or since `forgetPeak`. */
  readonly peakMb: number;
  readonly anonymousMb: number;
}

export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? Number.NaN);
  return { rssMb: kb('VmRSS') / 1024, peakMb: kb('VmHWM') / 1024, anonymousMb: kb('RssAnon') / 1024 };
}
