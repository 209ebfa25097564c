// The demo as a process of its own, on ports that the system chooses, for tests of what is seen of it.

import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { QEDGE } from './qedge-command.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const START_TIMEOUT_MS = 120_000;

export interface DemoProcess {
  /** Of the admin port, without a slash at the end. */
  readonly url: string;
  /** Ends it as Ctrl-C does and waits for it. */
  stop(): Promise<void>;
}

/** Resolves when the demo has said where its dashboard is. */
export async function startDemo(...args: readonly string[]): Promise<DemoProcess> {
  const [program, ...first] = QEDGE;
  const child = spawn(program, [...first, 'demo', '--proxy-port', '0', '--admin-port', '0', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((done) => child.on('close', () => done()));
  try {
    return { url: await dashboardUrl(child), stop: () => stop(child, ended) };
  } catch (error) {
    await stop(child, ended);
    throw error;
  }
}

function dashboardUrl(child: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    let text = '';
    const take = (chunk: Buffer): void => {
      text += chunk;
      const url = /dashboard\s+(http:\/\/\S+)/.exec(text)?.[1];
      if (url !== undefined) found(url.replace(/\/$/, ''));
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.on('close', () => failed(new Error(`the demo ended before it was up:\n${text}`)));
    setTimeout(() => failed(new Error(`the demo did not come up:\n${text}`)), START_TIMEOUT_MS).unref();
  });
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGINT');
  const patience = setTimeout(() => child.kill('SIGKILL'), 60_000);
  await ended;
  clearTimeout(patience);
}
