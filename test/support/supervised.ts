// An installed qedge under a supervisor that does what its units ask of systemd (supervisor.pl).

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Layout, layoutOf } from '../../src/update/layout.ts';

const SUPERVISOR = join(import.meta.dirname, 'supervisor.pl');

export interface SupervisedOptions {
  /** Follows `[update]` and its public key in the configuration. */
  readonly config: string;
  /** More lines of `[proxy]`. */
  readonly proxy?: string;
  /** How many sockets listen on its port, one for each event loop. */
  readonly sockets?: number;
}

export class SupervisedQedge {
  readonly directory = mkdtempSync(join(tmpdir(), 'qedge-supervised-'));
  readonly layout: Layout;
  readonly config = join(this.directory, 'qedge.toml');
  readonly stateDirectory = join(this.directory, 'state');
  readonly #key = join(this.directory, 'key.pem');
  readonly #signature = join(this.directory, 'new.sig');
  readonly #lines: string[] = [];
  #supervisor: ChildProcess | null = null;
  readonly #sockets: number;
  #port = 0;

  /** Installs a copy of `executable`, with a key of its own for updates. */
  constructor(executable: string, { config, proxy = '', sockets = 1 }: SupervisedOptions) {
    this.#sockets = sockets;
    mkdirSync(join(this.directory, 'lib'));
    mkdirSync(this.stateDirectory);
    this.layout = layoutOf(join(this.directory, 'lib/qedge'));
    copyFileSync(executable, this.layout.executable);
    chmodSync(this.layout.executable, 0o755);
    const key = this.qedge(['keygen', this.#key]);
    if (key.status !== 0) throw new Error(key.stderr);
    const listen = `[proxy]\nlisten = "127.0.0.1:0"\n${proxy}\n[admin]\nlisten = "127.0.0.1:0"\n`;
    writeFileSync(this.config, `[node]\nid = "supervised"\n${listen}${key.stdout}${config}`);
  }

  get proxyUrl(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get events(): readonly string[] {
    return this.#lines;
  }

  /** The process that the supervisor takes for the service. */
  get mainPid(): number {
    const named = this.#lines.flatMap((line) => /^(?:started |notify MAINPID=)(\d+)/.exec(line)?.[1] ?? []);
    return Number(named.at(-1));
  }

  /** The process that was last started to take over. */
  get successorPid(): number {
    const [, pid] = [...this.log().matchAll(/"pid":(\d+),"msg":"successor started"/g)].at(-1) ?? [];
    return Number(pid);
  }

  /** How many processes have begun to serve. */
  starts(): number {
    return this.log().split('"msg":"qedge started"').length - 1;
  }

  /** Runs the installed executable with other arguments, as a person would. */
  qedge(args: readonly string[]) {
    return spawnSync(this.layout.executable, args, { encoding: 'utf8', env: { STATE_DIRECTORY: this.stateDirectory } });
  }

  async start(startTimeoutS = 10): Promise<void> {
    const { executable, previous, trial } = this.layout;
    const guard = `test ! -e ${trial} || exec ${previous} update --guard`;
    const command = [executable, 'run', '-c', this.config];
    const args = [SUPERVISOR, String(this.#sockets), String(startTimeoutS), this.directory, guard, '--', ...command];
    this.#supervisor = spawn('perl', args, { env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    this.#supervisor.stdout?.on('data', (chunk) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      this.#lines.push(...lines);
    });
    await this.until((line) => line.startsWith('listening'));
    this.#port = Number(this.#lines[0]?.split(' ')[1]);
    await this.until((line) => line.startsWith('notify READY=1'));
  }

  /** What `systemctl restart` does. */
  restart(): void {
    this.#supervisor?.kill('SIGUSR1');
  }

  /** What `qedge update` has systemd do: the process that runs hands over to what is in place. */
  handOver(): void {
    this.#supervisor?.kill('SIGUSR2');
  }

  /** Signs `file` and hands it to `qedge update`; the service is restarted when it was taken. */
  update(file: string, release: string, ...flags: readonly string[]) {
    const signed = this.qedge(this.#signing(file, release));
    if (signed.status !== 0) throw new Error(signed.stderr);
    const result = this.qedge(this.#updating(file, flags));
    if (result.status === 0) this.restart();
    return result;
  }

  /** The same as a hand-over, without holding up this process, which may be the one that makes the load. */
  async updateWhileServing(file: string, release: string, ...flags: readonly string[]) {
    await this.sign(file, release);
    return this.updateSigned(file, ...flags);
  }

  async sign(file: string, release: string): Promise<void> {
    const { status, stderr } = await this.#ask(this.#signing(file, release));
    if (status !== 0) throw new Error(stderr);
  }

  /** Hands what was signed last to `qedge update`, and the service over to it when it was taken. */
  async updateSigned(file: string, ...flags: readonly string[]) {
    const result = await this.#ask(this.#updating(file, flags));
    if (result.status === 0) this.handOver();
    return result;
  }

  #signing(file: string, release: string): readonly string[] {
    return ['sign', file, '--key', this.#key, '--release', release, '--output', this.#signature];
  }

  #updating(file: string, flags: readonly string[]): readonly string[] {
    return ['update', file, '--signature', this.#signature, '-c', this.config, '--no-restart', ...flags];
  }

  async #ask(args: readonly string[]): Promise<{ readonly status: number | null; readonly stderr: string }> {
    const child = spawn(this.layout.executable, args, { env: { STATE_DIRECTORY: this.stateDirectory } });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const [status] = (await once(child, 'exit')) as [number | null];
    return { status, stderr };
  }

  /** The first event from `from` on that matches; fails loudly when none comes. */
  async until(matches: (line: string) => boolean, from = 0, timeoutMs = 60_000): Promise<number> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const i = this.#lines.findIndex((line, n) => n >= from && matches(line));
      if (i >= 0) return i;
      if (performance.now() > deadline)
        throw new Error(`did not happen; what did:\n${this.#lines.join('\n')}\n${this.log()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  log(): string {
    return readFileSync(join(this.directory, 'service.log'), 'utf8');
  }

  async stop(): Promise<void> {
    const supervisor = this.#supervisor;
    if (supervisor !== null && supervisor.exitCode === null) {
      const exited = once(supervisor, 'exit');
      supervisor.kill('SIGTERM');
      await exited;
    }
    rmSync(this.directory, { recursive: true });
  }
}
