// Downloads: ten of 100 MB at once, then ten of readers that stop reading. Throughput, CPU, and the most memory meanwhile.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Bench, LOAD_CORE } from '../bench.ts';
import { quantile } from '../load.ts';
import { cpuMicros, forgetPeak, memoryOf } from '../processes.ts';
import { print } from '../table.ts';
import { BULK_BYTES } from '../upstream-nginx.ts';

const TRANSFERS = 10;
const MEGABYTES = (TRANSFERS * BULK_BYTES) / 1e6;
const PAUSE_MS = 3000;
/** By then what only a start needs was given back (`src/app/watch/memory-release.ts`): it is no part of what a download takes. */
const SETTLED_MS = 6000;

/** Measures and prints. */
export async function bulkTable(bench: Bench): Promise<void> {
  const figures = new Map<string, number[][]>();
  for (let round = 0; round < bench.rounds; round++) {
    for (const contender of bench.contenders) {
      await bench.run(contender, { upstream: bench.upstreams.http, protocol: 'http1' }, async (port, pid) => {
        await downloads(port);
        await delay(SETTLED_MS);
        forgetPeak(pid);
        const before = cpuMicros(pid);
        const startMs = performance.now();
        await downloads(port);
        const seconds = (performance.now() - startMs) / 1000;
        const cpu = (cpuMicros(pid) - before) / MEGABYTES;
        const { peakMb } = memoryOf(pid);
        forgetPeak(pid);
        await pausedReaders(port);
        const list = [MEGABYTES / seconds, cpu, peakMb, memoryOf(pid).peakMb];
        figures.set(contender.name, [...(figures.get(contender.name) ?? []), list]);
      });
    }
  }
  const median = (lists: readonly number[][], i: number): string =>
    quantile(
      lists.map((list) => list[i] ?? Number.NaN),
      0.5,
    ).toFixed(0);
  print(
    [
      `${TRANSFERS} × ${BULK_BYTES / 1e6} MB at once`,
      'MB/s',
      'CPU-µs/MB',
      'peak RSS, MB',
      'readers that pause: peak RSS',
    ],
    [...figures].map(([name, lists]) => [name, ...[0, 1, 2, 3].map((i) => median(lists, i))]),
  );
}

async function downloads(port: number): Promise<void> {
  const url = `http://127.0.0.1:${port}/bulk`;
  const curl = [
    '-c',
    String(LOAD_CORE),
    'curl',
    '-s',
    '-f',
    '-o',
    '/dev/null',
    '-w',
    '%{size_download}',
    '-H',
    'X-QEdge-Service: bulk',
  ];
  const all = Array.from({ length: TRANSFERS }, () => promisify(execFile)('taskset', [...curl, url]));
  for (const { stdout } of await Promise.all(all)) {
    if (Number(stdout) !== BULK_BYTES) throw new Error(`port ${port}: a download of ${stdout} bytes`);
  }
}

/** Each reads the beginning and nothing more. */
async function pausedReaders(port: number): Promise<void> {
  const sockets = await Promise.all(
    Array.from({ length: TRANSFERS }, async () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write('GET /bulk HTTP/1.1\r\nHost: bulk\r\n\r\n');
      await once(socket, 'data');
      socket.pause();
      return socket;
    }),
  );
  await delay(PAUSE_MS);
  for (const socket of sockets) socket.destroy();
}
