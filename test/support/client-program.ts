// A program of config/clients, run as a device would, beside the proxy of this process.

import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export const CLIENTS = new URL('../../config/clients/', import.meta.url).pathname;

export interface ClientRun {
  readonly status: number | null;
  /** Of standard output. */
  readonly lines: readonly string[];
  readonly complaints: string;
}

/** Runs to its end, with `input` as its standard input. */
export async function runClient(command: string, args: readonly string[], input?: Buffer): Promise<ClientRun> {
  const child = spawn(command, args, { cwd: CLIENTS, stdio: ['pipe', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', reject);
  });
  child.stdin.end(input);
  const [out, complaints, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { status, lines: out.split('\n').filter((line) => line !== ''), complaints };
}

/** What a camera sends: enough of JPEG to be distinguished. */
export const frameOf = (bytes: number): Buffer =>
  Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(bytes, 1), Buffer.from([0xff, 0xd9])]);

/** The Python that Debian's modules belong to, no matter which is first on the PATH. */
export const PYTHON = '/usr/bin/python3';
