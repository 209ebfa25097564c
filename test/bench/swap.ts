// Ten updates of a running service under load, by hand: node test/bench/swap.ts (after npm run build -- --arch x64).
// Prints for each kind of traffic how many requests there were, how many failed, the worst wait while a process hands over to
// the next and at any other time, and how far the learned weights moved. With the argument `restart` the service is restarted
// instead. Exits 1 when a request failed, or a WebSocket ended otherwise than with 1001.

import '../support/bench-help.ts';
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
const RESTART = process.argv[2] === 'restart';

interface Tally {
  count: number;
  readonly failures: Map<string, number>;
  worstHandOverMs: number;
  worstElseMs: number;
}

const tallies = new Map<string, Tally>();
/** From the signal to the old process's end, or to the start of the next. */
const handOvers: { readonly fromMs: number; toMs: number }[] = [];

function tallyOf(kind: string): Tally {
  const tally = tallies.get(kind) ?? {
    count: 0,
    failures: new Map<string, number>(),
    worstHandOverMs: 0,
    worstElseMs: 0,
  };
  tallies.set(kind, tally);
  return tally;
}

async function counted(kind: string, work: () => Promise<void>): Promise<void> {
  const tally = tallyOf(kind);
  const beganMs = performance.now();
  tally.count++;
  try {
    await work();
    const endedMs = performance.now();
    const tookMs = endedMs - beganMs;
    if (handOvers.some(({ fromMs, toMs }) => fromMs < endedMs && beganMs < toMs))
      tally.worstHandOverMs = Math.max(tally.worstHandOverMs, tookMs);
    else tally.worstElseMs = Math.max(tally.worstElseMs, tookMs);
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

/** Starts work at a steady rate, no matter what becomes of what was started before. */
async function atRate(perSecond: number, running: () => boolean, start: () => void): Promise<void> {
  const beganMs = performance.now();
  for (let started = 0; running(); ) {
    const due = ((performance.now() - beganMs) / 1000) * perSecond;
    for (; started < due; started++) start();
    await delay(5);
  }
}

type Weights = ReadonlyMap<string, number>;

/** What each process of the service had for weights when it was first and last seen, by the order of their starts. */
class WeightWatch {
  readonly #service: SupervisedQedge;
  readonly #seen: { readonly first: Weights; last: Weights }[] = [];

  constructor(service: SupervisedQedge) {
    this.#service = service;
  }

  async watch(running: () => boolean): Promise<void> {
    while (running()) {
      await this.#look();
      await delay(20);
    }
  }

  /** The largest change of a weight from the last sight of one process to the first of the next, for each swap. */
  changes(): readonly number[] {
    return this.#seen.slice(1).map(({ first }, i) => {
      const before = this.#seen[i]?.last ?? new Map<string, number>();
      return Math.max(...[...before].map(([key, weight]) => Math.abs((first.get(key) ?? 0) - weight)));
    });
  }

  /** What each process but the first began with. */
  taken(): readonly Weights[] {
    return this.#seen.slice(1).map(({ first }) => first);
  }

  async #look(): Promise<void> {
    const starts = this.#service
      .log()
      .split('\n')
      .filter((text) => text.includes('"qedge started"'));
    const { listeners } = JSON.parse(starts.at(-1) ?? '') as { listeners: { name: string; port: number }[] };
    const port = listeners.find(({ name }) => name === 'admin')?.port;
    try {
      const weights = await weightsAt(`http://127.0.0.1:${port}/api/v1/state`);
      const seen = this.#seen[starts.length - 1];
      if (seen === undefined) this.#seen.push({ first: weights, last: weights });
      else seen.last = weights;
    } catch {
      // It has just ended; the next one is looked at next.
    }
  }
}

async function weightsAt(url: string): Promise<Weights> {
  const state = (await (await fetch(url)).json()) as {
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
  await service.sign(EXECUTABLE, VERSION);
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
  const weights = new WeightWatch(service);
  load.push(weights.watch(running));
  await delay(WARM_UP_MS);
  await swapRepeatedly(service);
  on = false;
  await Promise.all(load);
  await delay(1000);
  await service.stop();
  agent.destroy();
  report(weights);
  process.exit([...tallies.values()].some(({ failures }) => failures.size > 0) ? 1 : 0);
}

/** Each swap is over when the process before has ended, and the service manager hears from the new one. */
async function swapRepeatedly(service: SupervisedQedge): Promise<void> {
  for (let swap = 1; swap <= SWAPS; swap++) {
    const from = service.events.length;
    if (RESTART) service.restart();
    else await update(service);
    const handOver = { fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY };
    handOvers.push(handOver);
    await service.until((line) => line.startsWith('notify READY=1'), from);
    handOver.toMs = performance.now();
    process.stdout.write(`swap ${swap} of ${SWAPS}\n`);
    await delay(SWAP_INTERVAL_MS);
  }
}

async function update(service: SupervisedQedge): Promise<void> {
  const { status, stderr } = await service.updateSigned(EXECUTABLE, '--allow-downgrade');
  if (status !== 0) throw new Error(stderr);
}

function report(watch: WeightWatch): void {
  const rows = [...tallies].map(([kind, { count, failures, worstHandOverMs, worstElseMs }]) => ({
    traffic: kind,
    requests: count,
    failed: [...failures.values()].reduce((sum, n) => sum + n, 0),
    'worst ms in a swap': Math.round(worstHandOverMs),
    'worst ms else': Math.round(worstElseMs),
    why: [...failures].map(([reason, n]) => `${n}× ${reason}`).join('; '),
  }));
  console.table(rows);
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  process.stdout.write(`largest change of a weight across each swap: ${watch.changes().map(percent).join(', ')}\n`);
  for (const weights of watch.taken())
    process.stdout.write(`taken over: ${[...weights.values()].map(percent).join(', ')}\n`);
}

await main();
