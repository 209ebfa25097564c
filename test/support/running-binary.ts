// A single executable at work, and an instance for it to send requests to.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished } from 'vitest';

export interface Instance {
  readonly port: number;
  /** Resolves when a request for /held has come. */
  held(): Promise<void>;
  /** Answers requests for /held, those that are yet to come as well. */
  release(): void;
  close(): void;
}

/** Answers every request with one line; one for /held only when it is released. */
export async function startInstance(answer = 'steering: 0.1'): Promise<Instance> {
  const held = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    const end = () => response.end(answer);
    if (request.url === '/held') {
      held.resolve();
      void released.promise.then(end);
    } else {
      request.resume().once('end', end);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    held: () => held.promise,
    release: released.resolve,
    close: () => void server.close().closeAllConnections(),
  };
}

export interface RunningQedge {
  readonly pid: number;
  /** The line of the log that says that it listens. */
  readonly started: Readonly<Record<string, unknown>>;
  readonly proxyUrl: string;
  readonly adminUrl: string;
  /** Exit status after SIGTERM. */
  stop(): Promise<number | null>;
}

export interface StartOptions {
  /** What runs a foreign executable: an emulator with its arguments. */
  readonly command?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** A failed test must not leave it: with an inherited standard error it would keep the test runner from ending. */
export async function startQedge(
  executable: string,
  cwd: string,
  { command = [], env = {} }: StartOptions = {},
): Promise<RunningQedge> {
  const [program = executable, ...args] = [...command, executable, 'run', '-c', 'qedge.toml'];
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const started = await new Promise<Record<string, unknown>>((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const line = output.split('\n').find((text) => text.includes('"qedge started"'));
      if (line !== undefined) resolve(JSON.parse(line) as Record<string, unknown>);
    });
    child.once('exit', () => reject(new Error(`ended before it listened: ${output}`)));
  });
  const listeners = started.listeners as readonly { readonly name: string; readonly port: number }[];
  const urlOf = (wanted: string) => `http://127.0.0.1:${listeners.find(({ name }) => name === wanted)?.port}`;
  return {
    pid: child.pid ?? 0,
    started,
    proxyUrl: urlOf('proxy'),
    adminUrl: urlOf('admin'),
    stop: async () => {
      child.kill('SIGTERM');
      return (await exited)[0];
    },
  };
}

/** Starts it twice in `cwd`, where its configuration is, and sends a request through: it starts cold, and then warm. */
export async function expectWarmRestart(executable: string, cwd: string, options: StartOptions = {}): Promise<void> {
  for (const warm of [false, true]) {
    const qedge = await startQedge(executable, cwd, options);
    expect(qedge.started).toMatchObject({ warm });
    const answer = await fetch(`${qedge.proxyUrl}/frame`, { headers: { 'x-qedge-service': 'pilotnet' } });
    expect([answer.status, await answer.text()]).toEqual([200, 'steering: 0.1']);
    expect(await qedge.stop()).toBe(0);
  }
}
