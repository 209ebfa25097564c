// What each event loop beyond the first holds at rest, and what rest costs.

import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../../support/listening.ts';
import type { Bench } from '../bench.ts';
import { qedgeCommand } from '../contenders.ts';
import { cpuMicros, memoryOf } from '../processes.ts';
import { print } from '../table.ts';

const WORKERS = [1, 4];
/** For garbage to be collected and pages to be given back; what is compiled late is compiled by then. */
const REST_MS = 60_000;
const MEASURED_MS = 30_000;

/** Measures and prints. */
export async function workersTable(bench: Bench): Promise<void> {
  const instance = `http://127.0.0.1:${bench.upstreams.http}`;
  const rows: string[][] = [];
  let first = Number.NaN;
  for (const workers of WORKERS) {
    const listen = await freePort();
    const command = qedgeCommand(bench.folder, {
      proxy: `listen = "127.0.0.1:${listen}"\nworkers = ${workers}`,
      instance,
    });
    await bench.runCommand(command, { listen }, async (_port, pid) => {
      await delay(REST_MS);
      const { anonymousMb } = memoryOf(pid);
      const before = cpuMicros(pid);
      await delay(MEASURED_MS);
      const cores = (cpuMicros(pid) - before) / 1000 / MEASURED_MS;
      if (workers === 1) first = anonymousMb;
      const each = workers === 1 ? '' : ((anonymousMb - first) / (workers - 1)).toFixed(1);
      rows.push([String(workers), anonymousMb.toFixed(1), each, cores.toFixed(4)]);
    });
  }
  print(['workers of qedge, at rest', 'anonymous, MB', 'each beyond the first', 'cores'], rows);
}
