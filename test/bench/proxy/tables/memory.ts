// Memory and the share of a core: idle, at the paper's load and at 1,000 requests a second.

import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { openLoop } from '../load.ts';
import { cpuMicros, memoryOf } from '../processes.ts';
import { print } from '../table.ts';

const RATES = [40, 1000];
/** What the start leaves to be done is over by then. */
const REST_MS = 5000;

/** Measures and prints. */
export async function memoryTable(bench: Bench): Promise<void> {
  const { http } = bench.upstreams;
  const seconds = bench.seconds * 4;
  const rows: string[][] = [];
  for (const contender of bench.contenders) {
    await bench.run(contender, { upstream: http, protocol: 'http1' }, async (port, pid) => {
      const row = [contender.name];
      const add = async (load: () => Promise<unknown>): Promise<void> => {
        const before = cpuMicros(pid);
        const startMs = performance.now();
        await load();
        const cores = (cpuMicros(pid) - before) / 1000 / (performance.now() - startMs);
        const { rssMb, anonymousMb } = memoryOf(pid);
        row.push(`${rssMb.toFixed(0)} / ${anonymousMb.toFixed(0)}`, cores.toFixed(4));
      };
      await delay(REST_MS);
      await add(() => delay(seconds * 1000));
      for (const rate of RATES) await add(() => openLoop(port, rate, seconds));
      rows.push(row);
    });
  }
  const loads = RATES.flatMap((rate) => [`${rate.toLocaleString('en')} req/s`, 'cores']);
  print(['RSS / anonymous, MB', 'idle', 'cores', ...loads], rows);
}
