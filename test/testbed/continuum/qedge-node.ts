// The qedge of one node: configured from the scenario, started, killed and started again, and what it cost.

import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parsePolicy } from '../../../src/sim/policy-text.ts';
import type { Scenario } from '../../../src/sim/scenario.ts';
import { SERVICE } from '../../../src/sim/world/instance.ts';
import { clockMs, LATE_MS } from './clock.ts';
import { INSTANCE_PORT } from './instance.ts';
import type { Host, Span } from './network.ts';

/** Where clients send, on every node. */
export const PROXY_PORT = 8080;
export const BROKER_PORT = 1883;

export interface QedgeOptions {
  readonly nodeId: string;
  readonly host: Host;
  readonly brokerAddress: string;
  readonly scenario: Scenario;
  readonly policy: string;
  /** Program and first arguments. */
  readonly command: readonly string[];
  /** For all of its files. */
  readonly folder: string;
}

/** What a qedge used, over all of its lives. */
export interface QedgeUse {
  readonly cpuS: number;
  /** Most that was resident, MB. */
  readonly residentMb: number;
}

const START_MS_MAX = 120_000;

export class QedgeNode {
  readonly #options: QedgeOptions;
  readonly #folder: string;
  /** Instances that it announces. */
  readonly #announced = new Set<string>();
  #process: ChildProcess | null = null;
  #configured = '';
  #restarted = Promise.resolve();
  /** Before its code runs a signal would end it. */
  #isListening = false;
  /** What lives that are over used. */
  #use: QedgeUse = { cpuS: 0, residentMb: 0 };
  #waitedMs = 0;
  #watchedMs = 0;

  constructor(options: QedgeOptions) {
    this.#options = options;
    this.#folder = join(options.folder, options.nodeId);
    mkdirSync(this.#folder, { recursive: true });
  }

  /** Resolves when it says that it listens. */
  async start(): Promise<void> {
    const { host, command } = this.#options;
    this.#configure(this.#configuration());
    const log = openSync(this.#logFile, 'w');
    const started = host.spawn([...command, 'run', '-c', this.#configFile], {
      cwd: this.#folder,
      stdio: ['ignore', log, log],
    });
    this.#process = started;
    closeSync(log);
    const deadlineMs = clockMs() + START_MS_MAX;
    while (!readFileSync(this.#logFile, 'utf8').includes('"qedge started"')) {
      if (started.exitCode !== null || started.signalCode !== null || clockMs() > deadlineMs) {
        const end = `exit code ${started.exitCode}, signal ${started.signalCode}`;
        throw new Error(
          `qedge of ${this.#options.nodeId}: did not start: ${end}\n${readFileSync(this.#logFile, 'utf8')}`,
        );
      }
      await delay(20);
    }
    this.#isListening = true;
    this.#reload();
  }

  /** A kill, and a start with what is on the disk, or without it; after the restart before, if that is not over. */
  restart(state: 'warm' | 'cold'): Promise<void> {
    this.#restarted = this.#restarted.then(async () => {
      await this.#kill();
      if (state === 'cold') for (const end of ['', '-wal', '-shm']) rmSync(`${this.#storeFile}${end}`, { force: true });
      await this.start();
    });
    return this.#restarted;
  }

  async #kill(): Promise<void> {
    const running = this.#process;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    this.#use = this.use();
    this.#process = null;
    this.#isListening = false;
    const exited = once(running, 'exit');
    running.kill('SIGKILL');
    await exited;
  }

  /** At once where it listens, else as soon as it does. */
  announce(instance: string, isThere: boolean): void {
    if (isThere) this.#announced.add(instance);
    else this.#announced.delete(instance);
    if (this.#isListening) this.#reload();
  }

  #reload(): void {
    const text = this.#configuration();
    if (text === this.#configured) return;
    this.#configure(text);
    this.#process?.kill('SIGHUP');
  }

  use(): QedgeUse {
    const pid = this.#process?.pid;
    if (pid === undefined) return this.#use;
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    const peakKb = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return {
      cpuS: this.#use.cpuS + (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
      residentMb: Math.max(this.#use.residentMb, Number(peakKb) / 1_024),
    };
  }

  /** When its event loop was ready to run and no processor was free, since the last call; null: not for long. */
  takeStall(): Span | null {
    const nowMs = clockMs();
    const waitedMs = this.#readWaitedMs();
    const span = { fromMs: this.#watchedMs, toMs: nowMs };
    const isLong = waitedMs - this.#waitedMs > LATE_MS;
    this.#waitedMs = waitedMs;
    this.#watchedMs = nowMs;
    return isLong && span.fromMs > 0 ? span : null;
  }

  /** The kernel's account of the main thread: time on a processor, time spent waiting for one (ns), turns. */
  #readWaitedMs(): number {
    try {
      return Number(readFileSync(`/proc/${this.#process?.pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
    } catch {
      return 0;
    }
  }

  get #configFile(): string {
    return join(this.#folder, 'qedge.toml');
  }

  get #logFile(): string {
    return join(this.#folder, 'log');
  }

  get #storeFile(): string {
    return join(this.#folder, 'qedge.db');
  }

  #configuration(): string {
    return configuration(this.#options, [...this.#announced], this.#storeFile);
  }

  #configure(text: string): void {
    this.#configured = text;
    writeFileSync(this.#configFile, text);
  }
}

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

function configuration(options: QedgeOptions, announced: readonly string[], storeFile: string): string {
  const { nodeId, host, brokerAddress, scenario, policy } = options;
  const { qos, network } = scenario;
  const { name, options: policyOptions } = parsePolicy(policy);
  const inline = Object.entries({ name, ...policyOptions }).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  const announcements = announced.map(
    (id) =>
      `[[announce]]\nservice = "${SERVICE}"\nid = "${id}"\nurl = "http://${host.address}:${INSTANCE_PORT}"\nhealth = false\n`,
  );
  return `[node]
id = "${nodeId}"
address = "${host.address}"
[proxy]
listen = "0.0.0.0:${PROXY_PORT}"
[mqtt]
url = "mqtt://${brokerAddress}:${BROKER_PORT}"
[probe]
interval = "${network.probeMs}ms"
[store]
path = "${storeFile}"
[log]
format = "json"
[[service]]
name = "${SERVICE}"
policy = { ${inline.join(', ')} }
timeout = "${network.timeoutMs}ms"
[service.qos]
latency = "${qos.latencyMs}ms"
success = ${qos.successRatio}
window = "${qos.windowMs}ms"
[service.retry]
attempts = ${network.retries}
${announcements.join('')}`;
}
