// What the store costs: bytes that reach the disk an hour, by the file system's own count, and the time that a flush
// holds the event loop. Run by hand:
//
//   node test/bench/store.ts                 an hour of traffic in virtual time, every flush forced to the disk: the most
//                                            that can be written, since nothing may be combined in the page cache
//   node test/bench/store.ts --minutes 10    in real time, as qedge runs, extrapolated to an hour
//
// The directory must be on a real disk: `--dir DIR`, the system's temporary directory by default.

import '../support/bench-help.ts';
import { closeSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { createServiceRouter } from '../../src/core/create-router.ts';
import { createRng, type Rng } from '../../src/core/rng.ts';
import type { ServiceRouter } from '../../src/core/service-router.ts';
import type { BootClock } from '../../src/store/boot-clock.ts';
import { createBootClock } from '../../src/store/boot-clock.ts';
import type { StoreState } from '../../src/store/state.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

const FLUSH_MS = 5000;
const HOUR_MS = 3_600_000;

interface Load {
  readonly requestsPerSecond: number;
  readonly instances: number;
  readonly clients: number;
}

const LOADS: readonly Load[] = [
  { requestsPerSecond: 0, instances: 10, clients: 0 },
  { requestsPerSecond: 40, instances: 10, clients: 4 },
  { requestsPerSecond: 400, instances: 10, clients: 40 },
  { requestsPerSecond: 400, instances: 100, clients: 40 },
];

/** A router under traffic: instances that take 20 to 60 ms, and a miss now and then. */
class Traffic {
  readonly router: ServiceRouter;
  readonly #load: Load;
  readonly #rng: Rng = createRng(7);
  #sent = 0;

  constructor(load: Load, policy: string) {
    this.#load = load;
    this.router = createServiceRouter({
      service: 'pilotnet',
      qos: { latencyMs: 80, successRatio: 0.9, windowMs: 10_000 },
      policy: { name: policy, options: {} },
      localNodeId: 'pi-0',
      rng: this.#rng,
      nowMs: 0,
    });
    for (let i = 0; i < load.instances; i++) {
      const nodeId = `pi-${i}`;
      const facts = { service: 'pilotnet', nodeId, id: 'a', scheme: 'http', host: '10.0.0.1', port: 9000 } as const;
      this.router.applyPlacement({ kind: 'instance-set', instance: { ...facts, labels: {}, profile: null } }, 0);
      this.router.observeRtt(nodeId, 1 + i * 3, 0);
    }
  }

  /** Sends what is due up to then. */
  runUntil(nowMs: number): void {
    const { requestsPerSecond, clients } = this.#load;
    for (; this.#sent * 1000 < nowMs * requestsPerSecond; this.#sent++) {
      const atMs = (this.#sent * 1000) / requestsPerSecond;
      while (this.router.nextTickMs <= atMs) this.router.tick(atMs);
      const clientId = `camera-${this.#sent % clients}`;
      const candidate = this.router.route({ clientId, budgetMs: 80, tried: [] }, atMs);
      if (candidate === null) continue;
      const latencyMs = candidate.rttMs + 20 + 40 * this.#rng.next() ** 2;
      const ticket = this.router.start(candidate, atMs);
      this.router.finish(ticket, 'answered', latencyMs, atMs + latencyMs);
      const ending = latencyMs <= 80 ? 'success' : 'late';
      this.router.recordRequest({ clientId, ending, latencyMs, handle: candidate.handle }, atMs + latencyMs);
    }
    while (this.router.nextTickMs <= nowMs) this.router.tick(nowMs);
  }

  state(nowMs: number): StoreState {
    return { routers: [this.router.snapshot(nowMs)], placement: null };
  }
}

/** A clock that the bench moves; everything else of it is the machine's. */
class VirtualClock implements BootClock {
  readonly bootId = 'bench';
  nowMs = 0;
  uptimeMs = (): number => this.nowMs;
  wallMs = (): number => this.nowMs;
}

/** Bytes that this process caused to be sent to the storage layer: proc_pid_io(5). */
function bytesWritten(): number {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

interface Result {
  readonly bytesPerHour: number;
  readonly holdsMs: number[];
  readonly storeBytes: number;
}

function open(directory: string, clock: BootClock): { readonly store: Store; readonly path: string } {
  const path = join(directory, 'qedge.db');
  const log = pino({ level: 'error' });
  return { store: openStore({ path, flushMs: 2 ** 31 - 1, log, metrics: createMetrics(), clock }), path };
}

async function flushAndTime(store: Store, holdsMs: number[]): Promise<void> {
  const startMs = performance.now();
  const done = store.flush();
  holdsMs.push(performance.now() - startMs);
  await done;
}

async function virtualHour(load: Load, policy: string, directory: string): Promise<Result> {
  const clock = new VirtualClock();
  const traffic = new Traffic(load, policy);
  const { store, path } = open(directory, clock);
  store.start(() => traffic.state(clock.nowMs));
  await store.flush();
  const wal = openSync(`${path}-wal`, 'r+');
  const before = bytesWritten();
  const holdsMs: number[] = [];
  for (clock.nowMs = FLUSH_MS; clock.nowMs <= HOUR_MS; clock.nowMs += FLUSH_MS) {
    traffic.runUntil(clock.nowMs);
    await flushAndTime(store, holdsMs);
    fsyncSync(wal);
  }
  const bytesPerHour = bytesWritten() - before;
  const storeBytes = store.facts().bytes ?? 0;
  closeSync(wal);
  await store.close();
  return { bytesPerHour, holdsMs, storeBytes };
}

async function realTime(load: Load, policy: string, directory: string, minutes: number): Promise<Result> {
  const clock = createBootClock();
  const traffic = new Traffic(load, policy);
  const originMs = performance.now();
  const { store } = open(directory, clock);
  store.start(() => traffic.state(performance.now() - originMs));
  await store.flush();
  const before = bytesWritten();
  const holdsMs: number[] = [];
  for (let i = 1; i * FLUSH_MS <= minutes * 60_000; i++) {
    await sleep(originMs + i * FLUSH_MS - performance.now());
    traffic.runUntil(performance.now() - originMs);
    await flushAndTime(store, holdsMs);
  }
  const bytesPerHour = ((bytesWritten() - before) * 60) / minutes;
  const storeBytes = store.facts().bytes ?? 0;
  await store.close();
  return { bytesPerHour, holdsMs, storeBytes };
}

const quantile = (sorted: readonly number[], q: number): number => sorted[Math.floor(q * (sorted.length - 1))] ?? 0;

const { values: args } = parseArgs({
  options: {
    minutes: { type: 'string' },
    policy: { type: 'string', default: 'qedge' },
    dir: { type: 'string', default: tmpdir() },
  },
});
const minutes = args.minutes === undefined ? null : Number(args.minutes);
const loads = minutes === null ? LOADS : LOADS.slice(1, 2);
const words = minutes === null ? 'virtual hour, each flush forced to the disk' : `${minutes} min in real time`;
console.log(`store: flush every ${FLUSH_MS / 1000} s, policy ${args.policy}, ${words}`);
console.log('req/s  instances  MB/hour  flush p50 ms  p99 ms  max ms  store KiB');
for (const load of loads) {
  const directory = mkdtempSync(join(args.dir, 'qedge-bench-'));
  try {
    const run =
      minutes === null ? virtualHour(load, args.policy, directory) : realTime(load, args.policy, directory, minutes);
    const { bytesPerHour, holdsMs, storeBytes } = await run;
    const sorted = holdsMs.toSorted((a, b) => a - b);
    const cells = [
      String(load.requestsPerSecond).padStart(5),
      String(load.instances).padStart(10),
      (bytesPerHour / 1e6).toFixed(2).padStart(8),
      quantile(sorted, 0.5).toFixed(2).padStart(13),
      quantile(sorted, 0.99).toFixed(2).padStart(7),
      quantile(sorted, 1).toFixed(2).padStart(7),
      (storeBytes / 1024).toFixed(0).padStart(10),
    ];
    console.log(cells.join(' '));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
