// What qedge holds in memory, by hand: `npm run bench:memory [-- --seconds 60 --requests 1000000]`. Its own load of 40 requests a
// second first, then as many requests as fast as it takes them, to see whether anything grows, then its own load again.

import '../support/bench-help.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../support/listening.ts';
import { CONTENDERS, qedgeFrom } from './proxy/contenders.ts';
import { openLoop, quantile, wrk } from './proxy/load.ts';
import { cpuMicros, memoryOf, type Started, start } from './proxy/processes.ts';
import { print } from './proxy/table.ts';
import { startUpstream } from './proxy/upstream-nginx.ts';

const PROXY_CORE = 0;
const LOAD_CORE = 1;
/** The published experiments': ten cameras' frames at one node. */
const OWN_LOAD = { postBytes: 20_000, clients: 10 };
const OWN_RATE = 40;
const IDLE_SECONDS = 10;
const STEPS = 4;
const STEP_SECONDS = 5;

const { values: args } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, requests: { type: 'string', default: '1000000' } },
});
const seconds = Number(args.seconds);
const requests = Number(args.requests);
const folder = mkdtempSync(join(tmpdir(), 'qedge-memory-'));
const started: Started[] = [];
const rows: string[][] = [];

try {
  process.stdout.write(`qedge runs from its ${qedgeFrom()}\n\n`);
  const upstream = await startUpstream(folder, LOAD_CORE);
  started.push(upstream);
  const listen = await freePort();
  const command = CONTENDERS.find(({ name }) => name === 'qedge')?.command(folder, {
    listen,
    upstream: upstream.port,
    protocol: 'http1',
    pemFile: '',
  });
  const qedge = await start(command ?? [], { core: PROXY_CORE, port: listen });
  started.push(qedge);
  await measure(listen, qedge.pid);
  print(['MB, median and highest of each second', 'RSS', 'highest', 'anonymous', 'highest', 'cores'], rows);
} finally {
  for (const one of started) await one.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(port: number, pid: number): Promise<void> {
  await watched('idle', pid, () => new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000)));
  const ownLoad = () => openLoop(port, OWN_RATE, seconds, OWN_LOAD);
  await watched(`${OWN_RATE} requests/s of 20 KB, ${seconds} s`, pid, ownLoad);
  let sent = 0;
  for (let step = 1; step <= STEPS; step++) {
    const flood = async () => {
      while (sent < (requests * step) / STEPS)
        sent += await wrk(port, { core: LOAD_CORE, seconds: STEP_SECONDS, postBytes: 0, folder });
    };
    await watched(() => `as fast as it goes, until ${(sent / 1000).toFixed(0)} thousand`, pid, flood);
  }
  await watched(`${OWN_RATE} requests/s of 20 KB, ${seconds} s`, pid, ownLoad);
}

/** Looks at the process once a second while `what` goes on. */
async function watched(title: string | (() => string), pid: number, what: () => Promise<unknown>): Promise<void> {
  const seen = [memoryOf(pid)];
  const timer = setInterval(() => seen.push(memoryOf(pid)), 1000);
  const beforeMicros = cpuMicros(pid);
  const startMs = performance.now();
  await what();
  clearInterval(timer);
  const cores = (cpuMicros(pid) - beforeMicros) / 1000 / (performance.now() - startMs);
  const column = (values: readonly number[]): string[] =>
    [quantile(values, 0.5), Math.max(...values)].map((value) => value.toFixed(1));
  rows.push([
    typeof title === 'string' ? title : title(),
    ...column(seen.map(({ rssMb }) => rssMb)),
    ...column(seen.map(({ anonymousMb }) => anonymousMb)),
    cores.toFixed(3),
  ]);
}
