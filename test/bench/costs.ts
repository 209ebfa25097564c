// What one of each costs at the most in memory, by hand: node test/bench/costs.ts [--count 1000]. Fills so many of each to its bound, one
// kind a process, and prints the anonymous memory beyond what the process had before, in all and for each. Kernel buffers are not in it.

import '../support/bench-help.ts';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { FLAG, frame, hpack, POST, PREFACE, TYPE } from '../support/http2-frames.ts';
import { freePort, listening } from '../support/listening.ts';
import { QEDGE } from '../support/qedge-command.ts';
import { memoryOf, start } from './proxy/processes.ts';
import { print } from './proxy/table.ts';

/** For garbage to be collected and pages to be given back. */
const REST_MS = 6_000;
const AT_A_TIME = 50;
const KIB_64 = 65_536;

const { values: args } = parseArgs({ options: { count: { type: 'string', default: '1000' } } });
const total = Number(args.count);

interface Kind {
  readonly name: string;
  readonly count: number;
  /** Makes the one with this number; what is returned stays open. */
  readonly fill: (port: number, index: number) => Promise<Socket | null>;
  /** In the configuration from the start, in place of `fill`. */
  readonly instances?: number;
}

async function said(port: number, bytes: Buffer | string, reads = true): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  if (reads) socket.resume();
  else socket.pause();
  socket.write(bytes);
  return socket;
}

const HEAD = 'Host: bench\r\n';
const WAIT = `GET /wait HTTP/1.1\r\n${HEAD}\r\n`;
const fields = (bytes: number): string => `X-A: ${'a'.repeat(bytes)}`;
const whole = (path: string): readonly (readonly [string, string])[] =>
  POST.map(([name, value]) => [name, name === ':path' ? path : name === ':authority' ? 'bench' : value] as const);
const data = Array.from({ length: 3 }, () => frame(TYPE.data, 0, 1, Buffer.alloc(16_384)));

const KINDS: readonly Kind[] = [
  {
    name: 'HTTP/1: a head of 16 KiB, not whole',
    count: total,
    fill: (port) => said(port, `GET / HTTP/1.1\r\n${HEAD}${fields(16_200)}`),
  },
  { name: 'HTTP/1: requests sent ahead, 200 KiB', count: total, fill: (port) => said(port, WAIT.repeat(5_500)) },
  {
    name: 'HTTP/1: an answer of 10 MB, not taken',
    count: total / 10,
    fill: (port) => said(port, `GET /large HTTP/1.1\r\n${HEAD}\r\n`, false),
  },
  {
    name: 'HTTP/1: a body of 64 KiB, all but a byte, to be collected',
    count: total,
    fill: (port) => said(port, `POST / HTTP/1.1\r\n${HEAD}Content-Length: ${KIB_64}\r\n\r\n${'x'.repeat(KIB_64 - 1)}`),
  },
  {
    name: 'HTTP/2: a block of fields of 16 KiB, not whole',
    count: total,
    fill: (port) =>
      said(
        port,
        Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0), frame(TYPE.headers, 0, 1, Buffer.alloc(16_384, 0x82))]),
      ),
  },
  {
    name: 'HTTP/2: a stream with 48 KiB of body, not read by its instance',
    count: total,
    fill: (port) => {
      const head = frame(TYPE.headers, FLAG.endHeaders, 1, hpack(whole('/wait')));
      return said(port, Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0), head, ...data]));
    },
  },
  {
    name: 'client id',
    count: 4_096,
    fill: async (port, index) => {
      const headers = { host: 'bench', 'x-qedge-service': 'bench', 'x-client-id': `client-${index}-${'c'.repeat(32)}` };
      await (await fetch(`http://127.0.0.1:${port}/`, { headers })).text();
      return null;
    },
  },
  {
    name: 'the same requests of one client id',
    count: 4_096,
    fill: async (port) => {
      const headers = { host: 'bench', 'x-qedge-service': 'bench', 'x-client-id': 'one' };
      await (await fetch(`http://127.0.0.1:${port}/`, { headers })).text();
      return null;
    },
  },
  { name: 'instance', count: 2_000, instances: 2_000, fill: async () => null },
];

async function measure({ count, fill, instances = 1 }: Kind): Promise<{ before: number; after: number }> {
  const one = await run({ count: instances > 1 ? 0 : count, fill, instances: 1 });
  if (instances === 1) return one;
  const many = await run({ count: 0, fill, instances });
  return { before: one.after, after: many.after };
}

async function run({ count, fill, instances }: Pick<Kind, 'count' | 'fill'> & { readonly instances: number }) {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-costs-'));
  const large = Buffer.alloc(10_000_000);
  // Reads no body where it does not answer.
  const instance = createServer((request, response) => {
    if (request.url === '/large') response.end(large);
    else if (request.url !== '/wait') response.end('ok');
  });
  const port = await freePort();
  const own = await listening(instance);
  const urls = Array.from({ length: instances }, (_, i) =>
    i === 0 ? `"http://127.0.0.1:${own}"` : `"http://10.0.${i >> 8}.${i & 255}:80"`,
  );
  const config = join(folder, 'qedge.toml');
  const limits = `in_flight_max = 100000, instance_connections_max = 100000, instance_in_flight_max = 100000`;
  writeFileSync(
    config,
    `proxy = { listen = "127.0.0.1:${port}", connections_max = 20000, keep_alive_timeout = "10m", headers_timeout = "10m", body_idle_timeout = "10m" }
admin.listen = "127.0.0.1:0"
store.path = false
log.level = "error"
[[service]]
name = "bench"
qos.latency = "2s"
timeout = "10m"
overload = "send"
limits = { ${limits} }
instances = [${urls.join(', ')}]
`,
  );
  const qedge = await start([...QEDGE, 'run', '-c', config], { core: 0, port });
  const open: (Socket | null)[] = [];
  try {
    await delay(REST_MS);
    const before = memoryOf(qedge.pid).anonymousMb;
    for (let i = 0; i < count; i += AT_A_TIME) {
      const batch = Array.from({ length: Math.min(AT_A_TIME, count - i) }, (_, k) => fill(port, i + k));
      open.push(...(await Promise.all(batch)));
    }
    await delay(REST_MS);
    return { before, after: memoryOf(qedge.pid).anonymousMb };
  } finally {
    for (const socket of open) socket?.destroy();
    instance.closeAllConnections();
    instance.close();
    await qedge.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

process.stdout.write(`qedge runs from its ${QEDGE.length === 1 ? 'binary' : 'source'}\n\n`);
const rows: string[][] = [];
for (const kind of KINDS) {
  const { before, after } = await measure(kind);
  rows.push([
    kind.name,
    String(kind.count),
    before.toFixed(0),
    after.toFixed(0),
    (((after - before) * 1024) / kind.count).toFixed(1),
  ]);
}
print(['at the most', 'count', 'MB before', 'MB with them', 'KiB each'], rows);
process.exit();
