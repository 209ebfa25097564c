// The qedge of a long run, and what its admin port says of it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../support/listening.ts';

const ROOT = join(import.meta.dirname, '../../..');

export interface Facts {
  readonly residentMb: number;
  /** Connections of clients, and to instances. */
  readonly clients: number;
  readonly upstream: number;
  readonly inFlight: number;
  readonly queued: number;
  readonly descriptors: number;
  /** Of all event loops; those of sockets and heads that nothing waits for are not among them. */
  readonly timers: number;
  readonly requests: number;
  /** Lines of the log so far. */
  readonly errors: number;
}

export interface SoakOptions {
  readonly brokerUrl: string;
  readonly workers: number;
  /** Run from source, not from the executable in `dist`. */
  readonly source: boolean;
}

export class SoakedQedge {
  readonly proxyPort: number;
  readonly #adminPort: number;
  readonly #options: SoakOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'qedge-soak-'));
  readonly #process: ChildProcess;
  #reloads = 0;
  #errors = 0;

  static async start(options: SoakOptions): Promise<SoakedQedge> {
    const qedge = new SoakedQedge(options, await freePort(), await freePort());
    while (!(await qedge.#isReady())) await delay(100);
    return qedge;
  }

  constructor(options: SoakOptions, proxyPort: number, adminPort: number) {
    this.#options = options;
    this.proxyPort = proxyPort;
    this.#adminPort = adminPort;
    this.#configure();
    const command = options.source
      ? [process.execPath, '--no-warnings', join(ROOT, 'src/main.ts')]
      : [join(ROOT, 'dist/qedge-linux-x64')];
    const [program = '', ...args] = [...command, 'run', '-c', this.#file];
    this.#process = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface({ input: this.#process.stdout ?? process.stdin }).on('line', (text) => {
      if (!/"level":"(error|fatal)"/.test(text)) return;
      this.#errors++;
      console.log(text);
    });
  }

  /** Another timeout and another policy each time, in turn. */
  async reload(): Promise<void> {
    this.#reloads++;
    this.#configure();
    this.#process.kill('SIGHUP');
  }

  async facts(): Promise<Facts> {
    const text = await (await fetch(`http://127.0.0.1:${this.#adminPort}/metrics`)).text();
    const sum = (name: string, labels = '[^}]*'): number =>
      [...text.matchAll(new RegExp(`^${name}(?:\\{${labels}\\})? (\\S+)$`, 'gm'))].reduce(
        (all, [, n]) => all + Number(n),
        0,
      );
    return {
      residentMb: Math.round(sum('process_resident_memory_bytes') / 2 ** 20),
      clients: sum('qedge_client_connections'),
      upstream: sum('qedge_upstream_connections'),
      inFlight: sum('qedge_service_in_flight_requests') + sum('qedge_instance_in_flight_requests'),
      queued: sum('qedge_queued_requests'),
      descriptors: sum('process_open_fds'),
      timers: sum('nodejs_active_resources', 'type="Timeout"'),
      requests: sum('qedge_requests_total'),
      errors: this.#errors,
    };
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    if (this.#process.exitCode === null) await once(this.#process, 'exit');
    rmSync(this.#folder, { recursive: true });
  }

  get #file(): string {
    return join(this.#folder, 'qedge.toml');
  }

  async #isReady(): Promise<boolean> {
    if (this.#process.exitCode !== null) throw new Error(`qedge ended with ${this.#process.exitCode}`);
    return fetch(`http://127.0.0.1:${this.#adminPort}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  #configure(): void {
    const odd = this.#reloads % 2 === 1;
    writeFileSync(
      this.#file,
      `[node]
id = "soak"
[proxy]
listen = "127.0.0.1:${this.proxyPort}"
workers = ${this.#options.workers}
keep_alive_timeout = "10s"
body_idle_timeout = "5s"
headers_timeout = "5s"
[admin]
listen = "127.0.0.1:${this.#adminPort}"
[store]
path = "${join(this.#folder, 'store.db')}"
[mqtt]
url = "${this.#options.brokerUrl}"
[placement]
allow = ["127.0.0.0/8"]
reach = false
[[service]]
name = "soak"
qos = { latency = "100ms", success = 0.9, window = "10s" }
timeout = "${odd ? '2s' : '3s'}"
policy = "${this.#reloads % 6 < 3 ? 'qedge' : 'p2c-ewma'}"
retry = { attempts = 3 }
`,
    );
  }
}
