// What the routing core costs, by hand: `npm run bench:core`. Prints the time of a routed request and of a decision step
// against the budget, and what the heap does over a million requests. CPU time, not wall time: the machine may be shared.

import '../support/bench-help.ts';
import { once } from 'node:events';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createServiceRouter } from '../../src/core/create-router.ts';
import type { RequestEnding } from '../../src/core/domain.ts';
import { NO_REQUIREMENTS, type Requirements } from '../../src/core/requirements/requirements.ts';
import { createRng } from '../../src/core/rng.ts';
import { SharedFlights, sharedFlightsMemory } from '../../src/core/router/shared-flights.ts';
import type { ServiceRouter } from '../../src/core/service-router.ts';
import { ACCURACY_SHARE } from '../core/support.ts';

const ROUNDS = 7;
const WINDOW_MS = 10_000;
const REQUESTS_PER_ROUND = 200_000;
/** Tries under way at a time. */
const CONCURRENCY = 16;
const CLIENTS = Array.from({ length: 8 }, (_, i) => `camera-${i}`);

interface Case {
  readonly policy: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly instances: number;
  /** Event loops that send to the instances, this one among them. One when absent. */
  readonly loops?: number;
  /** Beside the latency goal; absent: nothing. */
  readonly requirements?: Requirements;
}

/** A share, a measured requirement of each kind. */
const THREE: Requirements = {
  ...NO_REQUIREMENTS,
  meanLatencyMs: 50,
  reliabilityRatio: 0.999,
  shares: [ACCURACY_SHARE],
};

const router = ({ policy, options, instances, loops = 1, requirements = NO_REQUIREMENTS }: Case): ServiceRouter => {
  const made = createServiceRouter({
    service: 'pilotnet',
    qos: { latencyMs: 80, successRatio: 0.9, windowMs: WINDOW_MS },
    policy: { name: policy, options: options ?? {} },
    requirements,
    sharedFlights: loops > 1 ? new SharedFlights(sharedFlightsMemory(loops, 7_654_321), 0) : null,
    localNodeId: 'node-0',
    rng: createRng(1),
    nowMs: 0,
  });
  for (let i = 0; i < instances; i++) {
    made.observeRtt(`node-${i}`, 0.5 + (50 * i) / instances, 0);
    made.applyPlacement(
      {
        kind: 'instance-set',
        instance: {
          service: 'pilotnet',
          nodeId: `node-${i}`,
          id: 'a',
          scheme: 'http',
          host: '127.0.0.1',
          port: 9000,
          labels: {},
          profile: { accuracy: i % 2 === 0 ? 0.98 : 0.9 },
        },
      },
      0,
    );
  }
  return made;
};

/** A router under steady load at a virtual time that moves by `gapMs` a request. */
class Load {
  readonly router: ServiceRouter;
  readonly #gapMs: number;
  readonly #rng = createRng(2);
  readonly #request = { clientId: CLIENTS[0] ?? '', budgetMs: 80, attempt: 0, tried: [] as number[] };
  readonly #ended = { clientId: '', ending: 'late' as RequestEnding, latencyMs: 0, handle: 0 };
  readonly #tickets = new Int32Array(CONCURRENCY).fill(-1);
  readonly #handles = new Int32Array(CONCURRENCY);
  nowMs = 0.5;
  #turn = 0;

  constructor(made: ServiceRouter, gapMs: number) {
    this.router = made;
    this.#gapMs = gapMs;
  }

  run(requests: number, ticking: boolean): void {
    const { router: made } = this;
    for (let i = 0; i < requests; i++) {
      this.nowMs += this.#gapMs;
      this.#turn = (this.#turn + 1) % CONCURRENCY;
      const ticket = this.#tickets[this.#turn] as number;
      const client = CLIENTS[i & 7] as string;
      this.#request.clientId = client;
      if (ticket >= 0) {
        const latencyMs = 10 + 60 * this.#rng.next();
        made.finish(ticket, 'answered', latencyMs, this.nowMs);
        this.#ended.clientId = client;
        this.#ended.ending = latencyMs <= 80 ? 'success' : 'late';
        this.#ended.latencyMs = latencyMs;
        this.#ended.handle = this.#handles[this.#turn] as number;
        made.recordRequest(this.#ended, this.nowMs);
      }
      const candidate = made.route(this.#request, this.nowMs);
      if (candidate !== null) {
        this.#tickets[this.#turn] = made.start(candidate, this.nowMs);
        this.#handles[this.#turn] = candidate.handle;
      }
      if (ticking && made.nextTickMs <= this.nowMs) made.tick(this.nowMs);
    }
  }
}

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** µs per route + start + finish + recordRequest, decision steps left out: they have a table of their own. */
function requestUs(which: Case): number {
  const load = new Load(router(which), 0.1);
  load.run(REQUESTS_PER_ROUND, true);
  load.router.tick(load.nowMs);
  return median(
    Array.from(
      { length: ROUNDS },
      () => (cpuMs(() => load.run(REQUESTS_PER_ROUND, false)) * 1000) / REQUESTS_PER_ROUND,
    ),
  );
}

/** ms per decision step with `samples` in each instance's window: as many come between two steps as age out. */
function tickMs(which: Case, samples: number): number {
  const made = router(which);
  const rng = createRng(3);
  let nowMs = 0;
  const fill = (untilMs: number): void => {
    for (; nowMs < untilMs; nowMs += WINDOW_MS / samples) {
      for (const candidate of made.candidates) {
        const ticket = made.start(candidate, nowMs);
        made.finish(ticket, 'answered', candidate.rttMs + 5 + 40 * rng.next(), nowMs);
      }
    }
  };
  const step = (): number => {
    const atMs = made.nextTickMs;
    fill(atMs);
    return cpuMs(() => made.tick(atMs));
  };
  fill(WINDOW_MS);
  const steps = 10;
  for (let i = 0; i < 2 * steps; i++) step();
  const mean = (): number => Array.from({ length: steps }, step).reduce((sum, ms) => sum + ms, 0) / steps;
  return median(Array.from({ length: ROUNDS }, mean));
}

interface HeapFigures {
  readonly growthKib: number;
  /** A request, decision steps left out; the times and latencies that this driver hands over are some 80 of it. */
  readonly bytes: number;
  readonly minor: number;
  readonly major: number;
}

/** Heap growth and collections over a million requests, decision steps included. */
async function heapOver(which: Case, requests: number): Promise<HeapFigures> {
  const load = new Load(router(which), 0.1);
  load.run(300_000, true);
  const kinds: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) kinds.push((entry as unknown as { detail: { kind: number } }).detail.kind);
  });
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const before = process.memoryUsage().heapUsed;
  observer.observe({ entryTypes: ['gc'] });
  load.run(requests, true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  observer.disconnect();
  globalThis.gc?.();
  const growthKib = (process.memoryUsage().heapUsed - before) / 1024;
  const minor = kinds.filter((kind) => kind === constants.NODE_PERFORMANCE_GC_MINOR).length;
  return { growthKib, bytes: bytesOf(load), minor, major: kinds.length - minor };
}

/** Bytes that a request takes of the heap: of so few that nothing is collected meanwhile. */
function bytesOf(load: Load): number {
  const requests = 2000;
  return median(
    Array.from({ length: 25 }, () => {
      globalThis.gc?.();
      const before = process.memoryUsage().heapUsed;
      load.run(requests, false);
      return (process.memoryUsage().heapUsed - before) / requests;
    }),
  );
}

function row(cells: readonly string[], widths: readonly number[]): string {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
}

function table(title: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((cells) => cells[i]?.length ?? 0)));
  process.stdout.write(`\n${title}\n${row(head, widths)}\n${widths.map((width) => '-'.repeat(width)).join('  ')}\n`);
  for (const cells of rows) process.stdout.write(`${row(cells, widths)}\n`);
}

/** In a thread of its own: how the compiler inlines what ran before decides which numbers it puts on the heap. */
async function heapRow(name: string, which: Case): Promise<string[]> {
  const worker = new Worker(import.meta.filename, { workerData: which });
  const [{ growthKib, bytes, minor, major }] = (await once(worker, 'message')) as [HeapFigures];
  return [name, '1,000,000', bytes.toFixed(0), growthKib.toFixed(0), String(minor), String(major)];
}

const verdict = (value: number, budget: number): string => (value <= budget ? 'kept' : 'MISSED');

/** What more is asked of the router, beside as many requests without it. */
function besidePlain(title: string, more: Omit<Case, 'policy' | 'instances'>): void {
  table(
    title,
    ['policy', 'instances', 'µs', 'of that without', 'budget', ''],
    [10, 100].map((instances) => {
      const which: Case = { policy: 'qedge', instances };
      // In turn, so that a machine that slows down slows both.
      const pairs = Array.from({ length: 3 }, () => [requestUs(which), requestUs({ ...which, ...more })] as const);
      const us = median(pairs.map(([, asked]) => asked));
      const ratio = median(pairs.map(([plain, asked]) => asked / plain));
      return ['qedge', String(instances), us.toFixed(2), ratio.toFixed(2), '1.20', verdict(ratio, 1.2)];
    }),
  );
}

async function tables(): Promise<void> {
  const ALL_IN_PLAY = { candidates_max: 100 };
  const only = process.argv.slice(2);
  const names = ['qedge', 'qedgeproxy', 'round-robin'].filter((name) => only.length === 0 || only.includes(name));

  table(
    'A request: route + start + finish + recordRequest (CPU, median of rounds)',
    ['policy', 'instances', 'µs', 'budget µs', ''],
    names.flatMap((policy) =>
      (
        [
          [10, 2],
          [100, 10],
        ] as const
      ).map(([instances, budget]) => {
        const options = policy === 'qedge' ? ALL_IN_PLAY : {};
        const us = requestUs({ policy, instances, options });
        return [policy, String(instances), us.toFixed(2), budget.toFixed(0), verdict(us, budget)];
      }),
    ),
  );

  if (names.includes('qedge')) {
    besidePlain('The same with a mean latency, a reliability and a share of accuracy (CPU, median of rounds)', {
      requirements: THREE,
    });
    besidePlain('The same with four event loops (CPU, median of rounds)', { loops: 4 });
  }

  table(
    'A decision step (CPU, median of rounds); qedge with every instance active',
    ['policy', 'instances × samples', 'ms', 'budget ms', ''],
    names
      .filter((policy) => policy !== 'round-robin')
      .flatMap((policy) =>
        (
          [
            [10, 400, 0.2],
            [100, 1000, 3],
          ] as const
        ).map(([instances, samples, budget]) => {
          const options = policy === 'qedge' ? ALL_IN_PLAY : {};
          const ms = tickMs({ policy, instances, options }, samples);
          return [policy, `${instances} × ${samples}`, ms.toFixed(3), budget.toFixed(1), verdict(ms, budget)];
        }),
      ),
  );

  const heap: string[][] = [];
  if (names.includes('qedge')) {
    heap.push(await heapRow('qedge, three requirements', { policy: 'qedge', instances: 10, requirements: THREE }));
  }
  for (const policy of names) heap.push(await heapRow(policy, { policy, instances: 10 }));
  table(
    'Heap, 10 instances, decision steps included',
    ['policy', 'requests', 'bytes a request', 'growth KiB', 'minor GCs', 'major GCs'],
    heap,
  );
}

if (isMainThread) await tables();
else parentPort?.postMessage(await heapOver(workerData as Case, 1_000_000));
