// What it costs a client that the group of its request is read from the answer, by hand: `node test/bench/group.ts [--requests 1000]`. One
// proxy, one instance, three services: without a group, by a header field, and by a JSON Pointer. Requests go one after the other, in turn
// from one service to the next, so that a machine that slows down slows all: medians of the latency, and of the difference within a turn.

import '../support/bench-help.ts';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort, listening } from '../support/listening.ts';
import { QEDGE } from '../support/qedge-command.ts';
import { quantile } from './proxy/load.ts';
import { start } from './proxy/processes.ts';
import { print } from './proxy/table.ts';

const { values: args } = parseArgs({ options: { requests: { type: 'string', default: '1000' } } });
const requests = Number(args.requests);
/** Detections in an answer: about 1 KB, 16 KB, and as much as is read of a body. */
const SIZES = [12, 200, 800];
const WARM = 300;

const SERVICES = [
  ['none', ''],
  ['header', 'group = { header = "X-Object-Count" }'],
  ['JSON Pointer', 'group = { json = "/detections/length" }'],
] as const;

const instance = createServer((request, response) => {
  const count = Number(request.url?.slice(1));
  const detections = Array.from({ length: count }, (_, i) => ({
    label: 'car',
    score: 0.5 + i / 2000,
    box: [i, 2, 640, 480],
  }));
  const body = JSON.stringify({ detections });
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-object-count': count,
  });
  response.end(body);
});

/** Latency of one request, ms. */
async function ask(socket: Socket, service: string, count: number): Promise<number> {
  const startMs = performance.now();
  socket.write(`GET /${count} HTTP/1.1\r\nHost: bench\r\nX-QEdge-Service: ${service}\r\nX-Client-Id: camera\r\n\r\n`);
  let [left, head] = [Number.POSITIVE_INFINITY, ''];
  while (left > 0) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    if (left !== Number.POSITIVE_INFINITY) {
      left -= chunk.length;
      continue;
    }
    head += chunk.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) continue;
    const length = /content-length: (\d+)/i.exec(head)?.[1];
    if (length === undefined || !head.startsWith('HTTP/1.1 200')) throw new Error(`not an answer: ${head}`);
    left = Number(length) - (head.length - end - 4);
  }
  return performance.now() - startMs;
}

const folder = mkdtempSync(join(tmpdir(), 'qedge-group-'));
const [origin, port] = [await listening(instance), await freePort()];
const service = (group: string, i: number): string => `[[service]]
name = "s${i}"
qos = { latency = "1s", success = 0.9, window = "10s" }
policy = "multi-objective"
instances = ["http://127.0.0.1:${origin}"]
${group}
`;
const config = join(folder, 'qedge.toml');
writeFileSync(
  config,
  `node = { id = "bench" }
proxy = { listen = "127.0.0.1:${port}" }
admin = { listen = "127.0.0.1:0" }
store = { path = false }
placement = { allow = ["127.0.0.0/8"] }
${SERVICES.map(([, group], i) => service(group, i)).join('')}`,
);
const proxy = await start([...QEDGE, 'run', '-c', config], { core: 0, port });
const sockets = await Promise.all(
  SERVICES.map(async () => {
    const socket = connect(port, '127.0.0.1').setNoDelay(true);
    await once(socket, 'connect');
    return socket;
  }),
);
try {
  for (const count of SIZES) {
    const latencies: number[][] = SERVICES.map(() => []);
    for (let turn = 0; turn < WARM + requests; turn++) {
      for (let i = 0; i < SERVICES.length; i++) {
        const which = (turn + i) % SERVICES.length;
        // What is done behind an answer must not fall into the next one.
        await delay(2);
        const ms = await ask(sockets[which] as Socket, `s${which}`, count);
        if (turn >= WARM) latencies[which]?.push(ms);
      }
    }
    const [plain = []] = latencies;
    print(
      [`group, answers of ${count} detections`, 'p50, ms', 'more in a turn, p50, ms'],
      SERVICES.map(([name], i) => {
        const own = latencies[i] ?? [];
        const more = own.map((ms, turn) => ms - (plain[turn] ?? Number.NaN));
        return [name, quantile(own, 0.5).toFixed(3), quantile(more, 0.5).toFixed(3)];
      }),
    );
  }
} finally {
  for (const socket of sockets) socket.destroy();
  await proxy.stop();
  instance.close();
  rmSync(folder, { recursive: true });
}
