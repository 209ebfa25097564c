// The command of a node's own configuration as a child process: started with its part in the environment, started again when it ends,
// ended with all that it started. Its standard input stays open for as long as the agent lives.

import { type ChildProcess, spawn } from 'node:child_process';
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
    const [program, ...args] = command;
    const startedMs = performance.now();
    // A process group of its own: what it starts ends with it.
    const child = spawn(program, args, { env: { ...process.env, ...environment }, stdio: 'pipe', detached: true });
    this.#child = child;
    const lines = new LineReader(onLine);
    child.stdout.on('data', (chunk: Buffer) => lines.feed(chunk));
    const errors = new LineReader((line) => log.info({ line }, 'fl command says'));
    child.stderr.on('data', (chunk: Buffer) => errors.feed(chunk));
    child.stdin.on('error', () => {});
    this.#ended = new Promise((resolve) => {
      const end = (reason: string): void => {
        if (this.#child !== child) return;
        this.#child = null;
        resolve();
        if (!this.#stopped) this.#startAgain(reason, performance.now() - startedMs);
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (code, signal) => end(signal ?? `status ${code}`));
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#again !== null) clearTimeout(this.#again);
    const child = this.#child;
    if (child === null) return;
    signal(child, 'SIGTERM');
    const timer = setTimeout(() => signal(child, 'SIGKILL'), END_MS_MAX);
    await this.#ended;
    clearTimeout(timer);
    // What it started itself may be slower.
    signal(child, 'SIGKILL');
  }

  #startAgain(reason: string, ranMs: number): void {
    if (ranMs >= STABLE_MS) this.#againMs = AGAIN_MS_MIN;
    this.#options.log.warn({ reason, againInMs: this.#againMs }, 'fl command ended');
    this.#again = setTimeout(() => this.start(), this.#againMs);
    this.#againMs = Math.min(AGAIN_MS_MAX, 2 * this.#againMs);
  }
}

/** To the whole group, which may be gone. */
function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
