// The processes of the testbed beside the qedges: instances, the clients of a node, and the broker.

import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { instanceKey } from '../../../src/core/domain.ts';
import type { SiteChange } from '../../../src/sim/instances/sites.ts';
import { instanceOf } from '../../../src/sim/world/instance.ts';
import type { World, WorldInstance } from '../../../src/sim/world/world.ts';
import type { ClientsOrder, ClientsReport, SentRequest } from './clients.ts';
import { clockMs } from './clock.ts';
import type { InstanceOrder, InstanceReport } from './instance.ts';
import type { Host, Span } from './network.ts';
import { BROKER_PORT } from './qedge-node.ts';

/** Infinities pass. */
const CHANNEL: SpawnOptions = { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' };
const programOf = (file: string): readonly string[] => [
  process.execPath,
  '--no-warnings',
  join(import.meta.dirname, file),
];
/** Beyond the end of a hang, the process catches up. */
const THAW_MS = 100;

/** One instance of the world, up or down, frozen or not. */
export class InstancePart {
  readonly key: string;
  readonly stalls: Span[] = [];
  readonly #host: Host;
  readonly #instance: WorldInstance;
  readonly #seed: number;
  readonly #frozen: { fromMs: number; toMs: number }[] = [];
  #freezes = 0;
  #process: ChildProcess | null = null;

  constructor(world: World, index: number, { host, seed }: { readonly host: Host; readonly seed: number }) {
    this.key = instanceKey(instanceOf(world, index));
    this.#host = host;
    this.#instance = world.instances[index] as WorldInstance;
    this.#seed = seed + index;
  }

  async start(): Promise<void> {
    const child = this.#host.spawn(programOf('instance.ts'), CHANNEL);
    this.#process = child;
    const listening = Promise.withResolvers<void>();
    child.on('message', (report: InstanceReport) => {
      if (report.kind === 'listening') listening.resolve();
      else this.#stalled(report.span);
    });
    child.once('exit', () => listening.reject(new Error(`instance ${this.key} ended before it listened`)));
    this.#order({ kind: 'begin', instance: this.#instance, seed: this.#seed });
    await listening.promise;
  }

  kill(): void {
    this.#process?.kill('SIGKILL');
    this.#process = null;
  }

  /** Stops and goes on as a process does; several may want it to stand still. */
  freeze(by: 1 | -1): void {
    this.#freezes += by;
    if (by === 1) this.#frozen.push({ fromMs: clockMs(), toMs: Number.POSITIVE_INFINITY });
    else for (const span of this.#frozen) span.toMs = Math.min(span.toMs, clockMs() + THAW_MS);
    this.#process?.kill(this.#freezes > 0 ? 'SIGSTOP' : 'SIGCONT');
  }

  change(change: SiteChange): void {
    this.#order({ kind: 'change', change });
  }

  #order(order: InstanceOrder): void {
    this.#process?.send(order, () => {});
  }

  /** A hang that was asked for is no fault of the machine. */
  #stalled(span: Span): void {
    if (this.#frozen.some(({ fromMs, toMs }) => fromMs <= span.toMs && toMs >= span.fromMs)) return;
    this.stalls.push(span);
  }
}

/** The clients of one node. */
export class ClientsPart {
  readonly stalls: Span[] = [];
  readonly requests: SentRequest[] = [];
  readonly #process: ChildProcess;

  constructor(host: Host) {
    this.#process = host.spawn(programOf('clients.ts'), CHANNEL);
    this.#process.on('message', (report: ClientsReport) => {
      if (report.kind === 'stall') this.stalls.push(report.span);
      else for (const request of report.requests) this.requests.push(request);
    });
  }

  begin(order: ClientsOrder): void {
    this.#process.send(order);
  }
}

/** Mosquitto, without a disk: what it has retained is gone when it is killed. */
export class BrokerPart {
  readonly #host: Host;
  readonly #file: string;
  #process: ChildProcess | null = null;

  constructor(host: Host, folder: string) {
    this.#host = host;
    this.#file = join(folder, 'mosquitto.conf');
    // With another user it would not end with its parent.
    writeFileSync(
      this.#file,
      `user root\nlistener ${BROKER_PORT} ${host.address}\nallow_anonymous true\nlog_dest none\n`,
    );
  }

  async start(): Promise<void> {
    this.#process = this.#host.spawn(['mosquitto', '-c', this.#file], { stdio: 'ignore' });
    await Promise.race([
      delay(BROKER_START_MS),
      once(this.#process, 'exit').then(([code]) => Promise.reject(new Error(`mosquitto ended with ${code}`))),
    ]);
  }

  /** Away until then, ms from now. */
  async fail(how: 'hang' | 'kill', forMs: number): Promise<void> {
    this.#process?.kill(how === 'hang' ? 'SIGSTOP' : 'SIGKILL');
    await delay(forMs);
    if (how === 'hang') this.#process?.kill('SIGCONT');
    else await this.start();
  }
}

const BROKER_START_MS = 300;
