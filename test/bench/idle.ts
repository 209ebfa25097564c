// What idle things cost in memory, by hand: node test/bench/idle.ts [--connections 10000]. Opens so many of each kind, one kind a
// process, and prints the anonymous memory beyond what the process had before, in all and for each.

import '../support/bench-help.ts';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort, listening } from '../support/listening.ts';
import { QEDGE } from '../support/qedge-command.ts';
import { memoryOf, start } from './proxy/processes.ts';
import { print } from './proxy/table.ts';

const AT_A_TIME = 50;
const STREAMS_PER_CONNECTION = 100;
/** For garbage to be collected and pages to be given back. */
const REST_MS = 10_000;
const UPGRADED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

const { values: args } = parseArgs({ options: { connections: { type: 'string', default: '10000' } } });
const total = Number(args.connections);

/** Opens one of its kind. */
type Open = (port: number) => Promise<{ destroy(): void }>;

const opened = async (port: number, text: string): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  if (text !== '') {
    socket.write(text);
    await once(socket, 'data');
  }
  return socket;
};

const stream = (session: ClientHttp2Session, path: string): ClientHttp2Stream =>
  session.request({ ':path': path, ':authority': 'bench' }).resume();

const KINDS: readonly (readonly [name: string, count: number, open: Open])[] = [
  ['connection that has sent nothing', total, (port) => opened(port, '')],
  ['HTTP/1.1 connection, kept alive', total, (port) => opened(port, 'GET / HTTP/1.1\r\nHost: bench\r\n\r\n')],
  [
    'request that waits for its instance',
    total,
    async (port) => {
      const socket = await opened(port, '');
      socket.write('GET /wait HTTP/1.1\r\nHost: bench\r\n\r\n');
      return socket;
    },
  ],
  [
    'HTTP/2 connection, kept alive',
    total,
    async (port) => {
      const session = connectHttp2(`http://127.0.0.1:${port}`);
      await once(stream(session, '/'), 'end');
      return session;
    },
  ],
  [
    `HTTP/2 stream that waits, ${STREAMS_PER_CONNECTION} a connection`,
    total,
    async (port) => {
      const session = connectHttp2(`http://127.0.0.1:${port}`);
      await once(session, 'remoteSettings');
      for (let i = 0; i < STREAMS_PER_CONNECTION; i++) stream(session, '/wait');
      return session;
    },
  ],
  [
    'WebSocket, both ends',
    total / 2,
    (port) =>
      opened(
        port,
        'GET / HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
      ),
  ],
];

/** Answers at once, but for `/wait`. */
function startInstance(): Server {
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    if (request.url !== '/wait') response.end('ok');
  });
  server.on('upgrade', (_request, socket) => socket.write(UPGRADED));
  return server;
}

async function measure(count: number, open: Open, perOpen: number): Promise<{ before: number; after: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'qedge-idle-'));
  const instance = startInstance();
  const port = await freePort();
  const config = join(folder, 'qedge.toml');
  const limits = `in_flight_max = ${2 * count}, instance_connections_max = ${2 * count}, instance_in_flight_max = ${2 * count}`;
  writeFileSync(
    config,
    `proxy = { listen = "127.0.0.1:${port}", connections_max = ${2 * count}, keep_alive_timeout = "10m", headers_timeout = "10m" }
admin.listen = "127.0.0.1:0"
store.path = false
log.level = "error"
[[service]]
name = "bench"
qos.latency = "80ms"
timeout = "10m"
limits = { ${limits} }
instances = ["http://127.0.0.1:${await listening(instance)}"]
`,
  );
  const command = [...QEDGE, 'run', '-c', config];
  const qedge = await start(command, { core: 0, port });
  const all: { destroy(): void }[] = [];
  try {
    await delay(REST_MS);
    const before = memoryOf(qedge.pid).anonymousMb;
    const opens = Math.ceil(count / perOpen);
    for (let i = 0; i < opens; i += AT_A_TIME) {
      const batch = Array.from({ length: Math.min(AT_A_TIME, opens - i) }, () => open(port));
      all.push(...(await Promise.all(batch)));
    }
    await delay(REST_MS);
    return { before, after: memoryOf(qedge.pid).anonymousMb };
  } finally {
    for (const one of all) one.destroy();
    instance.closeAllConnections();
    instance.close();
    await qedge.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

process.stdout.write(`qedge runs from its ${QEDGE.length === 1 ? 'binary' : 'source'}\n\n`);
const rows: string[][] = [];
for (const [name, count, open] of KINDS) {
  const { before, after } = await measure(count, open, name.includes('stream') ? STREAMS_PER_CONNECTION : 1);
  const each = ((after - before) * 1024) / count;
  rows.push([name, String(count), before.toFixed(0), after.toFixed(0), each.toFixed(1)]);
}
print(['idle', 'count', 'MB before', 'MB with them', 'KiB each'], rows);
process.exit();
