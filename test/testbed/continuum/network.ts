// Hosts with a network of their own (a namespace of the kernel each), and the distance between them. All of it ends with this
// process, however that ends: a namespace is gone with its last process, a device with the one that opened it.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const WIRE = join(import.meta.dirname, 'wire.pl');
/** The kernel ends it with its parent. */
const WITH_PARENT = ['setpriv', '--pdeathsig', 'KILL', '--'];
/** Before all that is not real-time: a busy machine makes no way longer. */
const AT_ONCE = ['chrt', '--fifo', '1'];
/** Holds the namespace open; its line says that it is there. */
const HOLD = ['sh', '-c', 'ip link set lo up && echo held && exec sleep infinity'];

const running = new Set<ChildProcess>();

/** When something held packets up, ms of the clock of `clock.ts`. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Host {
  readonly address: string;
  /** Starts a program in the network of this host. */
  spawn(command: readonly string[], options: SpawnOptions): ChildProcess;
}

export interface NetworkOptions {
  readonly hosts: number;
  /** Mean of the exponential jitter of a way, ms. */
  readonly jitterMs: number;
  readonly onLate: (span: Span) => void;
}

export const addressOf = (host: number): string => `10.77.0.${host + 1}`;

/** Hosts by index, and the ways between them. */
export class Network {
  readonly hosts: readonly Host[];
  readonly #wire: ChildProcess;

  private constructor(hosts: readonly Host[], wire: ChildProcess) {
    this.hosts = hosts;
    this.#wire = wire;
  }

  /** Needs root. No way leads anywhere yet. */
  static async create({ hosts, jitterMs, onLate }: NetworkOptions): Promise<Network> {
    const wire = start([...WITH_PARENT, ...AT_ONCE, 'perl', WIRE, String(hosts), String(jitterMs)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const names = Promise.withResolvers<readonly string[]>();
    wire.once('exit', (code) => names.reject(new Error(`the network ended with ${code}`)));
    createInterface({ input: wire.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const [word, from, to] = line.split(' ');
      if (word === 'late') onLate({ fromMs: Number(from), toMs: Number(to) });
      else names.resolve(line.split(' '));
    });
    const devices = await names.promise;
    const holders = await Promise.all(devices.map(hold));
    return new Network(await Promise.all(holders.map((holder, n) => attach(holder, n, devices[n] ?? ''))), wire);
  }

  /** Half of the round trip; +Infinity: no way. */
  setWay(one: number, other: number, oneWayMs: number): void {
    this.#wire.stdin?.write(`way ${one} ${other} ${Number.isFinite(oneWayMs) ? oneWayMs : 'inf'}\n`);
  }
}

/** Ends all that was started here, on every host. */
export function endAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

async function hold(): Promise<ChildProcess> {
  const holder = start(['unshare', '--net', '--', ...WITH_PARENT, ...HOLD], { stdio: ['ignore', 'pipe', 'inherit'] });
  await Promise.race([
    once(holder.stdout as NodeJS.ReadableStream, 'data'),
    once(holder, 'exit').then(([code]) => Promise.reject(new Error(`a network namespace ended with ${code}`))),
  ]);
  return holder;
}

async function attach({ pid }: ChildProcess, index: number, device: string): Promise<Host> {
  const address = addressOf(index);
  const enter = ['nsenter', `--net=/proc/${pid}/ns/net`, '--'];
  await run(['ip', 'link', 'set', device, 'netns', String(pid)]);
  await run([...enter, 'ip', 'address', 'add', `${address}/24`, 'dev', device]);
  await run([...enter, 'ip', 'link', 'set', device, 'up']);
  return { address, spawn: (command, options) => start([...enter, ...WITH_PARENT, ...command], options) };
}

async function run(command: readonly string[]): Promise<void> {
  const [code] = await once(start(command, { stdio: ['ignore', 'ignore', 'inherit'] }), 'exit');
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}`);
}

function start([program = '', ...args]: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(program, args, options);
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}
