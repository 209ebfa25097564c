// What the data path costs beside other proxies, by hand: `npm run bench:proxy [-- --rounds 3 --seconds 3 --only qedge,go]`.
// Every contender gets one core of its own, in turn and in each round again; load and instance share the other. CPU time per
// request is the figure to trust on a machine that is shared; ratios are medians of the pairs within a round. `--tables` picks from
// get, post, http2, http2-post, grpc, tls, handshake, resumption, websocket, latency, bulk, memory, workers, start.

import '../support/bench-help.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Bench } from './proxy/bench.ts';
import { qedgeFrom } from './proxy/contenders.ts';
import { bulkTable } from './proxy/tables/bulk.ts';
import { cpuTables } from './proxy/tables/cpu.ts';
import { latencyTable } from './proxy/tables/latency.ts';
import { memoryTable } from './proxy/tables/memory.ts';
import { startTable } from './proxy/tables/start.ts';
import { workersTable } from './proxy/tables/workers.ts';

const { values: args } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    tables: { type: 'string', default: '' },
  },
});
const listed = (text: string): readonly string[] | null => (text === '' ? null : text.split(','));
const folder = mkdtempSync(join(tmpdir(), 'qedge-bench-'));
const bench = new Bench({
  folder,
  rounds: Number(args.rounds),
  seconds: Number(args.seconds),
  only: listed(args.only),
  tables: listed(args.tables),
});

try {
  process.stdout.write(`qedge runs from its ${qedgeFrom()}; ${args.rounds} rounds of ${args.seconds} s\n\n`);
  await bench.begin();
  await cpuTables(bench);
  if (bench.wants('latency')) await latencyTable(bench);
  if (bench.wants('bulk')) await bulkTable(bench);
  if (bench.wants('memory')) await memoryTable(bench);
  if (bench.wants('workers')) await workersTable(bench);
  if (bench.wants('start')) await startTable();
} finally {
  await bench.end();
  rmSync(folder, { recursive: true, force: true });
}
