// The process that takes this one's place while it still serves: another executable at the same path, or the same one again.
// It inherits the listening sockets, so that at every moment a process accepts.
//
// systemd takes a new main process for its own only when it is a child of PID 1, and kills any other without waiting for it
// on stop. So a shell starts it and ends, which makes it an orphan; the shell also knows its process id, as
// sd_listen_fds(3) wants it in the environment.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { CommandError } from '../errors.ts';
import { HandoverChannel } from './handover-channel.ts';
import { HANDOVER_FD, HANDOVER_STORE } from './predecessor.ts';
import { FIRST_FD, type InheritedSockets } from './sockets.ts';

export interface SuccessorOptions {
  readonly executable: string;
  readonly args: readonly string[];
  readonly sockets: InheritedSockets;
  /** The file that this process has open, and will let go of; null when it has none. */
  readonly store?: string | null;
  readonly env?: NodeJS.ProcessEnv;
  /** What a step of it may take, as `TimeoutStartSec=` for a start. */
  readonly stepMsMax?: number;
}

const STEP_MS_MAX = 30_000;

/**
 * Standard output is a pipe for the process id, and standard error where the log goes: the program gets that as both, as
 * it does from systemd.
 */
const SHELL_SCRIPT = `sh -c 'echo $$; export LISTEN_PID=$$; exec "$0" "$@" >&2' "$0" "$@" &`;

/** Starts it. Throws `CommandError` when not even that is possible. */
export async function startSuccessor(options: SuccessorOptions): Promise<Successor> {
  const { executable, args, sockets, store = null, env = process.env, stepMsMax = STEP_MS_MAX } = options;
  const fds = [...sockets].flatMap(([name, numbers]) => numbers.map((fd) => ({ name, fd })));
  fds.sort((a, b) => a.fd - b.fd);
  const { WATCHDOG_PID: _, ...kept } = env;
  const shell = spawn('/bin/sh', ['-c', SHELL_SCRIPT, executable, ...args], {
    stdio: ['ignore', 'pipe', 1, ...fds.map(({ fd }) => fd), 'pipe'],
    env: {
      ...kept,
      LISTEN_FDS: String(fds.length),
      LISTEN_FDNAMES: fds.map(({ name }) => name).join(':'),
      [HANDOVER_FD]: String(FIRST_FD + fds.length),
      ...(store === null ? {} : { [HANDOVER_STORE]: store }),
    },
  });
  if (shell.pid === undefined) throw notStarted((await once(shell, 'error'))[0]);
  const pid = await readPid(shell);
  const channel = new HandoverChannel(shell.stdio[FIRST_FD + fds.length] as unknown as Socket);
  return new Successor(pid, channel, stepMsMax);
}

async function readPid(shell: ChildProcess): Promise<number> {
  try {
    const [line] = (await Promise.race([once(shell.stdout as Readable, 'data'), failureOf(shell)])) as [Buffer];
    const pid = Number.parseInt(line.toString(), 10);
    if (!(pid > 0)) throw new Error('it printed no process id');
    return pid;
  } catch (error) {
    throw notStarted(error);
  }
}

const notStarted = (error: unknown): CommandError =>
  new CommandError(`no process could be started: ${error instanceof Error ? error.message : error}`, 1, error);

async function failureOf(shell: ChildProcess): Promise<never> {
  const [cause] = (await once(shell, 'close')) as [unknown];
  throw new Error(`sh ended with status ${cause}`);
}

/** The process that takes this one's place: started with the listening sockets, watched until it serves. */
export class Successor {
  readonly pid: number;
  readonly #channel: HandoverChannel;
  readonly #stepMsMax: number;

  constructor(pid: number, channel: HandoverChannel, stepMsMax: number) {
    this.pid = pid;
    this.#channel = channel;
    this.#stepMsMax = stepMsMax;
  }

  /** Resolves when the process is gone, or does not need this one any more. */
  get ended(): Promise<void> {
    return this.#channel.ended;
  }

  /** Resolves when it could serve, but for what only one process can have. Throws `CommandError` when it ends or hangs. */
  prepared(): Promise<void> {
    return this.#step('prepared', 'it did not become ready');
  }

  /** Lets it have all, and what TLS sessions are resumed by; resolves when it serves. Throws `CommandError` when it ends or hangs. */
  serve(tickets: string): Promise<void> {
    this.#channel.say('tickets', tickets);
    this.#channel.say('go');
    return this.#step('serving', 'it did not serve');
  }

  /** The service manager listens to it from here on, and nothing keeps this process. */
  charge(): void {
    this.#channel.say('charge');
    this.#channel.leave();
  }

  /** Does nothing when it is gone. */
  signal(name: NodeJS.Signals): void {
    try {
      process.kill(this.pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** For one that is of no use. */
  kill(): void {
    this.#channel.close();
    this.signal('SIGKILL');
  }

  async #step(word: 'prepared' | 'serving', failure: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, this.#stepMsMax, `${failure} within ${this.#stepMsMax / 1000} s`);
    });
    const heard = this.#channel.heard(word).then((yes) => (yes ? null : `${failure}: it ended`));
    const reason = await Promise.race([heard, timeout]);
    clearTimeout(timer);
    if (reason !== null) throw new CommandError(reason);
  }
}
