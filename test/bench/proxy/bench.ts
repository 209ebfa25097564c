// One run of the benchmark: what it was asked for, the instances behind the contenders, and each contender for as long as it
// is measured.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../support/listening.ts';
import { requireProgram } from '../../support/requires.ts';
import { CONTENDERS, type Contender, type Protocol } from './contenders.ts';
import { type Started, start } from './processes.ts';
import { startUpstream } from './upstream-nginx.ts';

const PROXY_CORE = 0;
export const LOAD_CORE = 1;

export interface BenchOptions {
  readonly folder: string;
  readonly rounds: number;
  readonly seconds: number;
  /** Names of contenders and of tables; null for all. */
  readonly only: readonly string[] | null;
  readonly tables: readonly string[] | null;
}

/** Ports of the instances. */
export interface Upstreams {
  readonly http: number;
  readonly grpc: number;
  readonly webSocket: number;
}

/** What the tables share. */
export class Bench {
  readonly folder: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly contenders: readonly Contender[];
  readonly #tables: readonly string[] | null;
  readonly #pemFile: string;
  readonly #started: Started[] = [];
  #upstreams: Upstreams | null = null;

  constructor({ folder, rounds, seconds, only, tables }: BenchOptions) {
    this.folder = folder;
    this.rounds = rounds;
    this.seconds = seconds;
    this.contenders = CONTENDERS.filter(({ name }) => only === null || only.includes(name));
    this.#tables = tables;
    this.#pemFile = join(folder, 'server.pem');
  }

  get upstreams(): Upstreams {
    if (this.#upstreams === null) throw new Error('the benchmark has not begun');
    return this.#upstreams;
  }

  wants(table: string): boolean {
    return this.#tables === null || this.#tables.includes(table);
  }

  /** Starts the instances. */
  async begin(): Promise<void> {
    this.#makeCertificate();
    const nginx = await startUpstream(this.folder, LOAD_CORE);
    this.#started.push(nginx);
    const webSocket = await freePort();
    const echo = [process.execPath, join(import.meta.dirname, 'upstream.ts'), String(webSocket)];
    this.#started.push(await start(echo, { core: LOAD_CORE, port: webSocket }));
    this.#upstreams = { http: nginx.port, grpc: nginx.grpcPort, webSocket };
  }

  async end(): Promise<void> {
    for (const one of this.#started) await one.stop();
  }

  /** Runs `contender` while it is used; not at all where it is not on this machine. */
  async run(
    contender: Contender,
    { upstream, protocol }: { readonly upstream: number; readonly protocol: Protocol },
    use: (port: number, pid: number) => Promise<void>,
  ): Promise<void> {
    const listen = await freePort();
    const command = contender.command(this.folder, { listen, upstream, protocol, pemFile: this.#pemFile });
    if (command !== null) await this.runCommand(command, { listen, env: contender.env ?? {} }, use);
  }

  async runCommand(
    command: readonly string[],
    { listen, env = {} }: { readonly listen: number; readonly env?: NodeJS.ProcessEnv },
    use: (port: number, pid: number) => Promise<void>,
  ): Promise<void> {
    const proxy = await start(command, { core: PROXY_CORE, port: listen, env });
    this.#started.push(proxy);
    try {
      await use(listen, proxy.pid);
    } finally {
      await proxy.stop();
    }
  }

  /** P-256, as most of the web has it. */
  #makeCertificate(): void {
    const [key, certificate] = ['server.key', 'server.crt'].map((name) => join(this.folder, name));
    if (key === undefined || certificate === undefined) return;
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const args = [
      'req',
      '-x509',
      ...curve,
      '-keyout',
      key,
      '-out',
      certificate,
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
    ];
    execFileSync(requireProgram('openssl'), args, { stdio: 'ignore' });
    writeFileSync(this.#pemFile, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'));
  }
}
