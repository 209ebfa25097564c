// A real Mosquitto for tests: on a port of its own, with TLS and passwords where asked, stopped and started at will.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { freePort } from './listening.ts';
import { requireProgram } from './requires.ts';

export interface MosquittoOptions {
  /** Retained topics survive a restart; false: the broker forgets everything. */
  readonly persistence?: boolean;
  readonly tls?: {
    readonly caFile: string;
    readonly certFile: string;
    readonly keyFile: string;
    /** Clients must show a certificate that the CA signed. */
    readonly clientCertificates?: boolean;
  };
  /** Password by user; absent: anyone may connect. */
  readonly users?: Readonly<Record<string, string>>;
  /** Further lines of mosquitto.conf. */
  readonly conf?: readonly string[];
}

export interface Mosquitto {
  readonly port: number;
  /** `mqtt://127.0.0.1:…`, or `mqtts://localhost:…` with TLS. */
  readonly url: string;
  /** Ends the broker; with SIGKILL it has no chance to write anything. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
}

/** Starts a broker that ends with the test that is running. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const broker = await startMosquittoUnmanaged(options);
  onTestFinished(broker.remove);
  return broker;
}

/** Starts a broker whose caller ends it with `remove`: for whole files, and for benchmarks. */
export async function startMosquittoUnmanaged(
  options: MosquittoOptions = {},
): Promise<Mosquitto & { remove(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-mosquitto-'));
  const port = await freePort();
  const conf = join(folder, 'mosquitto.conf');
  writeFileSync(conf, configuration(options, { folder, port }).join('\n'));
  const process = runner(conf, port);
  await process.start();
  return {
    port,
    url: options.tls === undefined ? `mqtt://127.0.0.1:${port}` : `mqtts://localhost:${port}`,
    ...process,
    async remove() {
      await process.stop('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configuration(
  { persistence = true, tls, users, conf = [] }: MosquittoOptions,
  { folder, port }: { readonly folder: string; readonly port: number },
): readonly string[] {
  const lines = [`user ${userInfo().username}`, `listener ${port} 127.0.0.1`, 'log_dest stderr', ...conf];
  if (persistence) lines.push('persistence true', `persistence_location ${folder}/`, 'autosave_interval 1');
  if (tls !== undefined) {
    lines.push(`cafile ${tls.caFile}`, `certfile ${tls.certFile}`, `keyfile ${tls.keyFile}`);
    if (tls.clientCertificates) lines.push('require_certificate true');
  }
  if (users === undefined) return [...lines, 'allow_anonymous true'];
  const file = join(folder, 'passwords');
  writeFileSync(file, '');
  for (const [user, password] of Object.entries(users)) {
    execFileSync(requireProgram('mosquitto_passwd'), ['-b', file, user, password], { stdio: 'ignore' });
  }
  return [...lines, 'allow_anonymous false', `password_file ${file}`];
}

function runner(conf: string, port: number): Pick<Mosquitto, 'start' | 'stop'> {
  let child: ReturnType<typeof spawn> | null = null;
  let output = '';
  return {
    async start() {
      const started = spawn(requireProgram('mosquitto'), ['-c', conf], { stdio: ['ignore', 'ignore', 'pipe'] });
      child = started;
      output = '';
      started.stderr?.on('data', (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-4_000);
      });
      const listening = await accepts(port, () => started.exitCode !== null);
      if (!listening) throw new Error(`mosquitto did not start:\n${output}`);
    },
    async stop(signal = 'SIGTERM') {
      const running = child;
      child = null;
      if (running === null || running.exitCode !== null || running.signalCode !== null) return;
      const exited = new Promise((resolve) => running.once('exit', resolve));
      running.kill(signal);
      await exited;
    },
  };
}

async function accepts(port: number, hasEnded: () => boolean): Promise<boolean> {
  const deadlineMs = performance.now() + 10_000;
  while (performance.now() < deadlineMs && !hasEnded()) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}
