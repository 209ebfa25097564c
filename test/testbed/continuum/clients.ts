// All clients of one node, a process of its own: each sends when its time has come, however long answers take, over a connection of
// its own, and measures by its own clock.

import { Agent, type IncomingMessage, request } from 'node:http';
import { createStream, exponential } from '../../../src/sim/random.ts';
import { Spells } from '../../../src/sim/world/spells.ts';
import type { WorldClient } from '../../../src/sim/world/world.ts';
import { clockMs, watchStalls } from './clock.ts';
import { WORK_HEADER } from './instance.ts';
import type { Span } from './network.ts';

/** How requests end, in the words of the simulator's recorder. */
export const ENDINGS = ['answered', 'failed', 'refused', 'timeout'] as const;

export interface ClientsOrder {
  /** With their place among all clients. */
  readonly clients: readonly (WorldClient & { readonly index: number })[];
  /** Time 0 of the experiment on the clock of all processes. */
  readonly startMs: number;
  readonly seed: number;
  readonly port: number;
  readonly service: string;
  /** After this a client waits no longer. */
  readonly patienceMs: number;
}

/** One request: client, when it was sent (ms since the start), how long it took, index of its ending, key of the instance. */
export type SentRequest = readonly [number, number, number, number, string];

export type ClientsReport =
  | { readonly kind: 'requests'; readonly requests: readonly SentRequest[] }
  | { readonly kind: 'stall'; readonly span: Span };

/** As large as a small picture of a camera: one packet. */
const BODY = Buffer.alloc(1_000, 'x');
const REPORT_MS = 1_000;

let sent: SentRequest[] = [];

function emit(client: ClientsOrder['clients'][number], order: ClientsOrder): void {
  const rng = createStream(order.seed, 'testbed client', client.index);
  const spells = new Spells(rng, client, client.firstMs);
  const agent = new Agent({ keepAlive: true });
  const next = (atMs: number): void => {
    if (atMs >= client.untilMs) return;
    setTimeout(
      () => {
        for (let n = 0; n < client.burst; n++) send(client, order, agent);
        const gapMs = client.pattern === 'periodic' ? client.periodMs : exponential(rng, client.periodMs);
        next(spells.after(atMs + gapMs));
      },
      Math.max(0, Math.round(order.startMs + atMs - clockMs())),
    );
  };
  next(client.firstMs);
}

function send(client: ClientsOrder['clients'][number], order: ClientsOrder, agent: Agent): void {
  const sentMs = clockMs();
  let instance = '';
  const end = (ending: (typeof ENDINGS)[number]): void => {
    if (over) return;
    over = true;
    sent.push([client.index, sentMs - order.startMs, clockMs() - sentMs, ENDINGS.indexOf(ending), instance]);
  };
  let over = false;
  const asked = request({
    port: order.port,
    method: 'POST',
    agent,
    timeout: order.patienceMs,
    headers: {
      'x-qedge-service': order.service,
      'x-client-id': client.id,
      'content-length': BODY.length,
      ...(client.workFactor === 1 ? {} : { [WORK_HEADER]: client.workFactor }),
    },
  });
  asked.once('timeout', () => {
    end('timeout');
    asked.destroy();
  });
  asked.once('error', () => end('refused'));
  asked.once('response', (response: IncomingMessage) => {
    instance = String(response.headers['x-qedge-instance'] ?? '');
    response.once('error', () => end('failed'));
    response.once('end', () => end(response.statusCode === 200 ? 'answered' : 'failed'));
    response.resume();
  });
  asked.end(BODY);
}

function report(message: ClientsReport): void {
  process.send?.(message);
}

if (process.argv[1] === import.meta.filename) {
  watchStalls((span) => report({ kind: 'stall', span }));
  setInterval(() => {
    if (sent.length > 0) report({ kind: 'requests', requests: sent });
    sent = [];
  }, REPORT_MS);
  process.on('message', (order: ClientsOrder) => {
    for (const client of order.clients) emit(client, order);
  });
}
