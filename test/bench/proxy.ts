// What the data path costs beside other proxies, by hand: `npm run bench:proxy [-- --rounds 3 --seconds 3 --only qedge,go]`.
// Every contender gets one core of its own, in turn and in each round again; load and instance share the other. CPU time per
// request is the figure to trust on a machine that is shared; ratios are medians of the pairs within a round.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CONTENDERS, type Contender, type Ports, qedgeFrom } from './proxy/contenders.ts';
import { h2load, openLoop, quantile, webSocketEcho, wrk } from './proxy/load.ts';
import { cpuMicros, freePort, memoryOf, type Started, start } from './proxy/processes.ts';
import { print } from './proxy/table.ts';
import { startUpstream } from './proxy/upstream-nginx.ts';

const PROXY_CORE = 0;
const LOAD_CORE = 1;
const POST_BYTES = 20_000;
const MESSAGE_BYTES = 1024;
const WARM_REQUESTS = 30_000;

const { values: args } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    skip: { type: 'string', default: '' },
  },
});
const rounds = Number(args.rounds);
const seconds = Number(args.seconds);
const only = args.only === '' ? null : args.only.split(',');
const skipped = new Set(args.skip.split(','));
const folder = mkdtempSync(join(tmpdir(), 'qedge-bench-'));
const contenders = CONTENDERS.filter(({ name }) => only === null || only.includes(name));
const started: Started[] = [];

try {
  await main();
} finally {
  for (const one of started) await one.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const http = await httpUpstream();
  const sockets = await webSocketUpstream();
  process.stdout.write(`qedge runs from its ${qedgeFrom()}; ${rounds} rounds of ${seconds} s, 16 connections\n\n`);
  if (!skipped.has('cpu')) {
    await cpuTable('GET, 200 B back', http, (port) => wrk(port, { core: LOAD_CORE, seconds, postBytes: 0, folder }));
    await cpuTable('POST 20 KB, 200 B back', http, (port) =>
      wrk(port, { core: LOAD_CORE, seconds, postBytes: POST_BYTES, folder }),
    );
    for (const postBytes of [0, POST_BYTES]) {
      await cpuTable(
        postBytes === 0 ? 'HTTP/2 GET, 200 B back' : 'HTTP/2 POST 20 KB, 200 B back',
        http,
        (port) => h2load(port, { core: LOAD_CORE, seconds, postBytes, folder }),
        contenders.filter(({ http2 }) => http2),
      );
    }
    await cpuTable(
      'WebSocket echo, 1 KiB',
      sockets,
      (port) => webSocketEcho(port, seconds, MESSAGE_BYTES),
      contenders.filter(({ webSockets }) => webSockets),
    );
  }
  if (!skipped.has('latency')) await latencyTable(http);
  if (!skipped.has('memory')) await memoryTable(http);
}

/** CPU-µs per request of each contender, and qedge's share of each. */
async function cpuTable(
  title: string,
  upstream: number,
  load: (port: number) => Promise<number>,
  measured: readonly Contender[] = contenders,
): Promise<void> {
  const costs = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const contender of measured) {
      await withContender(contender, { upstream, http2: title.startsWith('HTTP/2') }, async (port, pid) => {
        // Warm: connections, and code that is compiled once it has run often enough.
        for (let warm = 0; warm < WARM_REQUESTS; ) warm += await load(port);
        const before = cpuMicros(pid);
        const requests = await load(port);
        const cost = (cpuMicros(pid) - before) / requests;
        costs.set(contender.name, [...(costs.get(contender.name) ?? []), cost]);
      });
    }
  }
  const own = costs.get('qedge') ?? [];
  print(
    [title, 'CPU-µs', 'rounds', 'qedge ÷ it'],
    [...costs].map(([name, list]) => [
      name,
      quantile(list, 0.5).toFixed(1),
      list.map((cost) => cost.toFixed(1)).join(' '),
      name === 'qedge'
        ? ''
        : quantile(
            list.map((cost, i) => (own[i] ?? Number.NaN) / cost),
            0.5,
          ).toFixed(2),
    ]),
  );
}

/**
 * Latency of an open loop at 200 requests a second, once the code is compiled, and what it is beyond that of the instance
 * itself, measured just before: medians of the rounds, since one stall of the machine is a whole p99.
 */
async function latencyTable(upstream: number): Promise<void> {
  const rate = 200;
  const shares = [0.5, 0.99];
  const figures = new Map<string, number[][]>();
  const note = (name: string, values: number[]): void => void figures.set(name, [...(figures.get(name) ?? []), values]);
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      await withContender(contender, { upstream, http2: false }, async (port) => {
        await openLoop(port, 1000, 8);
        const beside = await openLoop(upstream, rate, seconds * 2);
        const latencies = await openLoop(port, rate, seconds * 2);
        const of = shares.map((share) => quantile(latencies, share));
        const direct = shares.map((share) => quantile(beside, share));
        note('direct', [...direct, Number.NaN, Number.NaN]);
        note(contender.name, [...of, ...of.map((ms, i) => ms - (direct[i] ?? Number.NaN))]);
      });
    }
  }
  const median = (lists: number[][], i: number): string => {
    const ms = quantile(
      lists.map((list) => list[i] ?? Number.NaN),
      0.5,
    );
    return Number.isNaN(ms) ? '' : ms.toFixed(2);
  };
  print(
    [`${rate} req/s, open loop, ms`, 'p50', 'p99', 'added p50', 'added p99'],
    [...figures].map(([name, lists]) => [name, ...[0, 1, 2, 3].map((i) => median(lists, i))]),
  );
}

/** Memory idle, at the paper's load and at 1,000 requests a second; and the share of a core. */
async function memoryTable(upstream: number): Promise<void> {
  const rows: string[][] = [];
  for (const contender of contenders) {
    await withContender(contender, { upstream, http2: false }, async (port, pid) => {
      const row = [contender.name];
      const add = (): void => {
        const { rssMb, anonymousMb } = memoryOf(pid);
        row.push(`${rssMb.toFixed(0)} / ${anonymousMb.toFixed(0)}`);
      };
      await new Promise((resolve) => setTimeout(resolve, 1000));
      add();
      for (const rate of [40, 1000]) {
        const before = cpuMicros(pid);
        const startMs = performance.now();
        await openLoop(port, rate, seconds * 4);
        const cores = (cpuMicros(pid) - before) / 1000 / (performance.now() - startMs);
        add();
        row.push(cores.toFixed(3));
      }
      rows.push(row);
    });
  }
  print(['RSS / anonymous, MB', 'idle', '40 req/s', 'cores', '1,000 req/s', 'cores'], rows);
}

async function withContender(
  contender: Contender,
  { upstream, http2 }: Omit<Ports, 'listen'>,
  use: (port: number, pid: number) => Promise<void>,
): Promise<void> {
  const listen = await freePort();
  const command = contender.command(folder, { listen, upstream, http2 });
  if (command === null) return;
  const proxy = await start(command, {
    core: PROXY_CORE,
    port: listen,
    ...(contender.env === undefined ? {} : { env: contender.env }),
  });
  started.push(proxy);
  try {
    await use(listen, proxy.pid);
  } finally {
    await proxy.stop();
  }
}

async function httpUpstream(): Promise<number> {
  const upstream = await startUpstream(folder, LOAD_CORE);
  started.push(upstream);
  return upstream.port;
}

async function webSocketUpstream(): Promise<number> {
  const port = await freePort();
  const command = [process.execPath, join(import.meta.dirname, 'proxy/upstream.ts'), String(port)];
  started.push(await start(command, { core: LOAD_CORE, port }));
  return port;
}
