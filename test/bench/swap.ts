// Ten updates of a running service under load, by hand: node test/bench/swap.ts (after npm run build -- --arch x64).
// Prints for each kind of traffic how many requests there were, how many failed, and the worst wait, and how far the learned
// weights moved. Exits 1 when a request failed, or a WebSocket ended otherwise than with 1001.

import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type WebSocket as Socket, WebSocket, WebSocketServer } from 'ws';
import { SupervisedQedge } from '../support/supervised.ts';

const SWAPS = 10;
const SWAP_INTERVAL_MS = 6000;
const KEEP_ALIVE_PER_SECOND = 350;
const CONNECTION_CLOSE_PER_SECOND = 150;
const WARM_UP_MS = 8000;
const EXECUTABLE = join(import.meta.dirname, '../../dist/qedge-linux-x64');
const VERSION = '0.1.0';

interface Tally {
  count: number;
  readonly failures: Map<string, number>;
  worstMs: number;
}

const tallies = new Map<string, Tally>();

function tallyOf(kind: string): Tally {
  const tally = tallies.get(kind) ?? { count: 0, failures: new Map<string, number>(), worstMs: 0 };
  tallies.set(kind, tally);
  return tally;
}

async function counted(kind: string, work: () => Promise<void>): Promise<void> {
  const tally = tallyOf(kind);
  const beganMs = performance.now();
  tally.count++;
  try {
    await work();
    tally.worstMs = Math.max(tally.worstMs, performance.now() - beganMs);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    tally.failures.set(reason, (tally.failures.get(reason) ?? 0) + 1);
  }
}

/** An instance with a processing time of its own; `/stream` answers in pieces, an upgrade echoes. */
async function startInstance(processingMs: number): Promise<number> {
  const server = createServer(async (incoming, response) => {
    let bytes = 0;
    for await (const chunk of incoming) bytes += (chunk as Buffer).length;
    if (incoming.url === '/stream') {
      for (let piece = 0; piece < 30; piece++) {
        response.write('x'.repeat(1000));
        await delay(100);
      }
      response.end();
      return;
    }
    await delay(processingMs);
    response.end(String(bytes));
  });
  new WebSocketServer({ server }).on('connection', (socket: Socket) => {
    socket.on('message', (data) => socket.send(data));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const FIELDS = { 'x-qedge-service': 'pilotnet', 'x-client-id': 'camera-1' };

async function bodyOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text += chunk;
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}: ${text.slice(0, 80)}`);
  return text;
}

async function get(url: string, agent: Agent | false, path = '/'): Promise<string> {
  const sent = request(url + path, { agent, headers: FIELDS });
  // What comes after the response began fails the reading of its body.
  sent.on('error', () => undefined);
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return bodyOf(response);
}

/** An upload of four seconds: 40 pieces of 10 kB. */
async function upload(url: string): Promise<void> {
  const sent = request(url, { method: 'POST', agent: false, headers: FIELDS });
  sent.on('error', () => undefined);
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  answered.catch(() => undefined);
  for (let piece = 0; piece < 40; piece++) {
    sent.write(Buffer.alloc(10_000));
    await delay(100);
  }
  sent.end();
  const [response] = await answered;
  const received = await bodyOf(response);
  if (received !== '400000') throw new Error(`${received} bytes arrived`);
}

/** Stays connected through its life, sending ten messages a second; ends well only with 1001. */
async function webSocket(url: string, running: () => boolean): Promise<void> {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers: FIELDS });
  const closed = once(socket, 'close') as Promise<[number]>;
  closed.catch(() => undefined);
  await once(socket, 'open');
  const timer = setInterval(() => socket.send('frame'), 100);
  const code = await Promise.race([closed.then(([status]) => status), until(() => !running())]);
  clearInterval(timer);
  socket.terminate();
  if (typeof code === 'number' && code !== 1001) throw new Error(`closed with ${code}`);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(50);
}

/** Starts work at a steady rate, whatever becomes of what was started before. */
async function atRate(perSecond: number, running: () => boolean, start: () => void): Promise<void> {
  const beganMs = performance.now();
  for (let started = 0; running(); ) {
    const due = ((performance.now() - beganMs) / 1000) * perSecond;
    for (; started < due; started++) start();
    await delay(5);
  }
}

async function weights(service: SupervisedQedge): Promise<Map<string, number>> {
  const line =
    service
      .log()
      .split('\n')
      .filter((text) => text.includes('"qedge started"'))
      .at(-1) ?? '';
  const listeners = (JSON.parse(line) as { listeners: { name: string; port: number }[] }).listeners;
  const port = listeners.find(({ name }) => name === 'admin')?.port;
  const state = (await (await fetch(`http://127.0.0.1:${port}/api/v1/state`)).json()) as {
    services: { instances: { key: string; weight: number }[] }[];
  };
  return new Map(state.services[0]?.instances.map(({ key, weight }) => [key, weight]));
}

async function main(): Promise<void> {
  const ports = await Promise.all([5, 12, 20].map(startInstance));
  const instances = ports.map((port) => `"http://127.0.0.1:${port}"`).join(', ');
  const service = new SupervisedQedge(EXECUTABLE, {
    config: `probation = "1s"\n[[service]]\nname = "pilotnet"\nqos.latency = "200ms"\ninstances = [${instances}]\n`,
  });
  await service.start();
  let on = true;
  const running = () => on;
  const url = service.proxyUrl;
  const agent = new Agent({ keepAlive: true });
  const repeat = async (kind: string, work: () => Promise<void>) => {
    while (running()) await counted(kind, work);
  };
  const load = [
    atRate(
      KEEP_ALIVE_PER_SECOND,
      running,
      () => void counted('keep-alive', () => get(url, agent).then(() => undefined)),
    ),
    atRate(CONNECTION_CLOSE_PER_SECOND, running, () => {
      counted('connection-close', () => get(url, false).then(() => undefined));
    }),
    repeat('upload of 4 s', () => upload(url)),
    repeat('answer of 3 s', async () => {
      const text = await get(url, false, '/stream');
      if (text.length !== 30_000) throw new Error(`${text.length} bytes arrived`);
    }),
    repeat('websocket', () => webSocket(url, running)),
  ];
  await delay(WARM_UP_MS);
  const changes = await swapRepeatedly(service);
  on = false;
  await Promise.all(load);
  await delay(1000);
  await service.stop();
  agent.destroy();
  report(changes);
  process.exit([...tallies.values()].some(({ failures }) => failures.size > 0) ? 1 : 0);
}

/** The largest change of a weight from the last moment of one process to the first of the next, for each swap. */
async function swapRepeatedly(service: SupervisedQedge): Promise<readonly number[]> {
  const changes: number[] = [];
  for (let swap = 1; swap <= SWAPS; swap++) {
    const from = service.events.length;
    const taken = service.updateWhileServing(EXECUTABLE, VERSION, '--allow-downgrade');
    let before = await weights(service);
    while ((await Promise.race([taken, delay(100)])) === undefined) before = await weights(service);
    const result = await taken;
    if (result.status !== 0) throw new Error(`swap ${swap}: ${result.stderr}`);
    await service.until((line) => line.startsWith('notify READY=1'), from);
    const after = await weights(service);
    changes.push(Math.max(...[...before].map(([key, weight]) => Math.abs((after.get(key) ?? 0) - weight))));
    process.stdout.write(`swap ${swap} of ${SWAPS}\n`);
    await delay(SWAP_INTERVAL_MS);
  }
  return changes;
}

function report(changes: readonly number[]): void {
  const rows = [...tallies].map(([kind, { count, failures, worstMs }]) => ({
    traffic: kind,
    requests: count,
    failed: [...failures.values()].reduce((sum, n) => sum + n, 0),
    'worst ms': Math.round(worstMs),
    why: [...failures].map(([reason, n]) => `${n}× ${reason}`).join('; '),
  }));
  console.table(rows);
  const words = changes.map((change) => `${(change * 100).toFixed(1)} %`).join(', ');
  process.stdout.write(`largest change of a weight across each swap: ${words}\n`);
}

await main();
