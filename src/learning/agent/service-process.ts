// The command of a node's own configuration as a child process: started with its part in the environment, started again when it ends,
// ended with all that it started. Its standard input stays open for as long as the agent lives; a watch of its process group ends it
// where the agent is killed.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Logger } from '../../telemetry/log.ts';
import { LineReader } from './line-reader.ts';

export interface ServiceProcessOptions {
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  readonly log: Logger;
  /** A line of its standard output. */
  readonly onLine: (line: string) => void;
}

/** It is started again after this long, twice as long each time, ms. */
const AGAIN_MS_MIN = 500;
const AGAIN_MS_MAX = 30_000;
/** One that ran for this long was a good one, ms. */
const STABLE_MS = 30_000;
/** After this long without an end it is killed, ms. */
const END_MS_MAX = 5_000;
/** One that cannot be killed, as of another user or waiting for a disk, is left after this long, ms. */
const KILL_MS_MAX = 1_000;

const SHELL = '/bin/sh';
/**
 * Becomes the command, with a shell beside it that waits for the end of descriptor 3: the agent's end of it closes however the agent
 * goes. Then the group has as long as when it is stopped.
 */
const WATCHED = `( trap '' HUP INT TERM
  read -r _ <&3
  kill -TERM 0; sleep ${END_MS_MAX / 1_000}; kill -KILL 0 ) <&- >/dev/null 2>&1 &
exec "$@" 3<&-`;

/** One command, kept running until `stop`. */
export class ServiceProcess {
  readonly #options: ServiceProcessOptions;
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #again: NodeJS.Timeout | null = null;
  #againMs = AGAIN_MS_MIN;
  #stopped = false;

  constructor(options: ServiceProcessOptions) {
    this.#options = options;
  }

  start(): void {
    const { command, environment, log, onLine } = this.#options;
    const startedMs = performance.now();
    const child = spawned(command, environment);
    if (child instanceof Error) {
      this.#startAgain(child.message, 0);
      return;
    }
    this.#child = child;
    const lines = new LineReader(onLine);
    const errors = new LineReader((line) => log.info({ line }, 'fl command says'));
    // Without a file descriptor left there are no pipes, and 'error' follows.
    child.stdout?.on('data', (chunk: Buffer) => lines.feed(chunk));
    child.stderr?.on('data', (chunk: Buffer) => errors.feed(chunk));
    for (const pipe of child.stdio ?? []) pipe?.on('error', () => {});
    this.#ended = new Promise((resolve) => {
      const end = (reason: string): void => {
        if (this.#child !== child) return;
        this.#child = null;
        // What it started itself may hold its port.
        signal(child, 'SIGKILL');
        resolve();
        if (!this.#stopped) this.#startAgain(reason, performance.now() - startedMs);
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (code, by) => end(by ?? `status ${code}`));
    });
  }

  /** Never throws. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#again !== null) clearTimeout(this.#again);
    const child = this.#child;
    if (child === null) return;
    signal(child, 'SIGTERM');
    if (await this.#endsWithin(END_MS_MAX)) return;
    signal(child, 'SIGKILL');
    if (await this.#endsWithin(KILL_MS_MAX)) return;
    this.#options.log.error({ pid: child.pid }, 'fl command does not end');
    for (const pipe of child.stdio) pipe?.destroy();
    child.unref();
  }

  async #endsWithin(ms: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), ms);
    const ended = await Promise.race([this.#ended.then(() => true), promise]);
    clearTimeout(timer);
    return ended;
  }

  #startAgain(reason: string, ranMs: number): void {
    if (ranMs >= STABLE_MS) this.#againMs = AGAIN_MS_MIN;
    this.#options.log.warn({ reason, againInMs: this.#againMs }, 'fl command ended');
    this.#again = setTimeout(() => this.start(), this.#againMs);
    this.#againMs = Math.min(AGAIN_MS_MAX, 2 * this.#againMs);
  }
}

/** In a process group of its own, so that what it starts ends with it; or why it cannot even be tried, as of too large an environment. */
function spawned(
  command: readonly [string, ...string[]],
  environment: Readonly<Record<string, string>>,
): ChildProcess | Error {
  // An image without a shell has qedge as its first process, and ends with it.
  const [program, ...args] = existsSync(SHELL) ? ([SHELL, '-c', WATCHED, 'fl', ...command] as const) : command;
  const env = { ...process.env, ...environment };
  try {
    return spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe', 'pipe'], detached: true });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Signals the whole group, which may be gone, or another user's. */
function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // Then nothing is left to signal, or nothing may be.
  }
}
