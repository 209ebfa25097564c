// An open loop at 200 requests a second: latency, what it is beyond that of the instance itself, measured just before, and what
// a request costs where few come. Medians of the rounds, since one stall of the machine is a whole p99.

import type { Bench } from '../bench.ts';
import { openLoop, quantile } from '../load.ts';
import { cpuMicros } from '../processes.ts';
import { print } from '../table.ts';

const RATE = 200;
const SHARES = [0.5, 0.99];
/** So that the code is compiled. */
const WARM_RATE = 1000;
const WARM_SECONDS = 8;

/** Measures and prints. */
export async function latencyTable(bench: Bench): Promise<void> {
  const { http } = bench.upstreams;
  const seconds = bench.seconds * 2;
  const figures = new Map<string, number[][]>();
  const note = (name: string, values: number[]): void => void figures.set(name, [...(figures.get(name) ?? []), values]);
  for (let round = 0; round < bench.rounds; round++) {
    for (const contender of bench.contenders) {
      await bench.run(contender, { upstream: http, protocol: 'http1' }, async (port, pid) => {
        await openLoop(port, WARM_RATE, WARM_SECONDS);
        const beside = await openLoop(http, RATE, seconds);
        const before = cpuMicros(pid);
        const latencies = await openLoop(port, RATE, seconds);
        const cost = (cpuMicros(pid) - before) / latencies.length;
        const of = SHARES.map((share) => quantile(latencies, share));
        const direct = SHARES.map((share) => quantile(beside, share));
        note('direct', direct);
        note(contender.name, [...of, ...of.map((ms, i) => ms - (direct[i] ?? Number.NaN)), cost]);
      });
    }
  }
  print(
    [`${RATE} req/s, open loop, ms`, 'p50', 'p99', 'added p50', 'added p99', 'CPU-µs'],
    [...figures].map(([name, lists]) => [name, ...[0, 1, 2, 3, 4].map((i) => median(lists, i))]),
  );
}

function median(lists: readonly number[][], i: number): string {
  const values = lists.map((list) => list[i] ?? Number.NaN);
  const middle = quantile(values, 0.5);
  return Number.isNaN(middle) ? '' : middle.toFixed(2);
}
