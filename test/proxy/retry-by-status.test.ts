// Answers that are set aside for another instance's: only the last one reaches the client.

import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { Server as NetServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ask, session } from '../support/http2-client.ts';
import { listening } from '../support/listening.ts';
import { textOf } from '../support/metrics.ts';
import { PATIENCE } from '../support/patience.ts';
import { type ServiceSpec, startInstance, startProxy, type TestProxy } from '../support/proxy.ts';

const HEADERS = { 'X-QEdge-Service': 'svc' };

/** One that answers with a status at once, beside one that works. */
async function pair(
  status: number,
  changes: Partial<ServiceSpec> = {},
  fields: Record<string, string> = {},
): Promise<TestProxy & { asked: () => number }> {
  let asked = 0;
  const bad = await startInstance((request, response) => {
    request.resume();
    asked++;
    response.writeHead(status, fields).end(`bad ${status}`);
  });
  const good = await startInstance((request, response) => {
    request.pipe(response);
    if (request.method === 'GET') response.write('good');
  });
  const retry = { budgetPerSecond: 100, ...changes.retry };
  const proxy = await startProxy([{ name: 'svc', ports: [bad.port, good.port], ...changes, retry }]);
  return { ...proxy, asked: () => asked };
}

/** Statuses of some requests, one after the other. */
async function statuses({ url }: TestProxy, count: number, init: RequestInit = {}): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < count; i++) {
    const answer = await fetch(url, { ...init, headers: { ...HEADERS, ...init.headers } });
    await answer.text();
    all.push(answer.status);
  }
  return all;
}

const POST = { method: 'POST', body: 'frame' };

describe('an answered attempt', () => {
  it.each([502, 503, 504, 429, 408])('of status %i is made again at another instance', async (status) => {
    const proxy = await pair(status);
    expect(await statuses(proxy, 6)).toEqual(Array(6).fill(200));
    expect(proxy.asked()).toBeGreaterThan(0);
    expect(proxy.accounts.every(({ success }) => success)).toBe(true);
    expect(textOf(proxy.metrics)).toMatch(/qedge_retries_total\{service="svc"\} [1-9]/);
  });

  it.each([500, 404, 501])('of status %i is passed on', async (status) => {
    expect(await statuses(await pair(status), 4)).toContain(status);
  });

  it('may be of any status that the service names', async () => {
    expect(await statuses(await pair(404, { retry: { statuses: [404] } }), 4)).toEqual(Array(4).fill(200));
  });

  it('is made again for what is repeatable alone', async () => {
    expect(await statuses(await pair(503), 4, POST)).toContain(503);
    const byKey = { ...POST, headers: { 'Idempotency-Key': 'a7' } };
    expect(await statuses(await pair(503), 4, byKey)).toEqual(Array(4).fill(200));
    expect(await statuses(await pair(503, { retry: { idempotent: true } }), 4, POST)).toEqual(Array(4).fill(200));
  });

  it('is passed on when no other instance is left, or the budget is spent', async () => {
    const both = await Promise.all([1, 2].map((n) => startInstance((_, answer) => answer.writeHead(503).end(`${n}`))));
    const proxy = await startProxy([{ name: 'svc', ports: both.map(({ port }) => port) }]);
    expect(await statuses(proxy, 1)).toEqual([503]);
    const spent = await pair(503, { retry: { budgetRatio: 0, budgetPerSecond: 0 } });
    expect(await statuses(spent, 4)).toContain(503);
  });

  it('leaves the connection of what was set aside in use', async () => {
    let connections = 0;
    const bad = await startInstance((_, response) => response.writeHead(503).end('x'.repeat(1000)));
    bad.server.on('connection', () => connections++);
    const good = await startInstance((_, response) => response.end('ok'));
    const proxy = await startProxy([
      { name: 'svc', ports: [bad.port, good.port], retry: { budgetPerSecond: 100, budgetRatio: 1 } },
    ]);
    expect(await statuses(proxy, 20)).toEqual(Array(20).fill(200));
    expect(connections).toBeLessThan(3);
  });

  it('gives up the connection of an answer without end', async () => {
    const bad = await startInstance((_, response) => {
      response.writeHead(503);
      const more = setInterval(() => response.write('x'.repeat(20_000)), 5);
      response.on('close', () => clearInterval(more));
    });
    const good = await startInstance((_, response) => response.end('ok'));
    const proxy = await startProxy([{ name: 'svc', ports: [bad.port, good.port] }]);
    expect(await statuses(proxy, 2)).toEqual([200, 200]);
    await expect.poll(() => proxy.proxy.stats().services[0]?.upstreamConnections, PATIENCE).toBe(1);
  });
});

describe('Retry-After', () => {
  it('of an instance puts it out for as long', async () => {
    const proxy = await pair(429, {}, { 'Retry-After': '30' });
    expect(await statuses(proxy, 12)).toEqual(Array(12).fill(200));
    expect(proxy.asked()).toBe(1);
  });

  it('of the only instance changes nothing', async () => {
    let asked = 0;
    const instance = await startInstance((_, response) => {
      asked++;
      response.writeHead(429, { 'Retry-After': '30' }).end();
    });
    const proxy = await startProxy([{ name: 'svc', ports: [instance.port] }]);
    expect(await statuses(proxy, 3)).toEqual([429, 429, 429]);
    expect(asked).toBe(3);
  });
});

/** An h2c instance of gRPC. */
async function startGrpc(onCall: (stream: ServerHttp2Stream) => void): Promise<number> {
  const server = createServer();
  server.on('session', (one) => onTestFinished(() => one.destroy()));
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.resume();
    stream.on('end', () => onCall(stream));
  });
  onTestFinished(() => void server.close());
  return listening(server as unknown as NetServer);
}

const HEAD = { ':status': 200, 'content-type': 'application/grpc' };
const MESSAGE = Buffer.from([0, 0, 0, 0, 1, 7]);

function answerGrpc(stream: ServerHttp2Stream, status: number, message: Buffer | null): void {
  stream.respond(HEAD, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status) }));
  stream.end(message ?? undefined);
}

async function call(proxy: TestProxy): Promise<string> {
  const fields = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
  const answer = await ask(session(proxy.url), fields, ['x']);
  const at = answer.trailers.indexOf('grpc-status');
  return at < 0 ? String(answer.headers['grpc-status']) : String(answer.trailers[at + 1]);
}

describe('a call of gRPC', () => {
  const service = { name: 'svc', scheme: 'h2c', retry: { idempotent: true, budgetPerSecond: 100 } } as const;
  const good = (stream: ServerHttp2Stream): void => answerGrpc(stream, 0, MESSAGE);

  it.each([
    [
      'in its head',
      (stream: ServerHttp2Stream) => stream.respond({ ...HEAD, 'grpc-status': '14' }, { endStream: true }),
    ],
    ['in its trailers', (stream: ServerHttp2Stream) => answerGrpc(stream, 14, null)],
    ['in its trailers', (stream: ServerHttp2Stream) => answerGrpc(stream, 8, null)],
  ])('that an instance cannot take, as it says %s, is made elsewhere', async (_where, bad) => {
    const proxy = await startProxy([{ ...service, ports: [await startGrpc(bad), await startGrpc(good)] }]);
    for (let i = 0; i < 4; i++) expect(await call(proxy)).toBe('0');
    expect(textOf(proxy.metrics)).toMatch(/qedge_retries_total\{service="svc"\} [1-9]/);
  });

  it('is not made again once a message was passed on', async () => {
    const late = await startGrpc((stream) => answerGrpc(stream, 14, MESSAGE));
    const proxy = await startProxy([{ ...service, ports: [late, await startGrpc(good)] }]);
    const all = [await call(proxy), await call(proxy)];
    expect(all.sort()).toEqual(['0', '14']);
  });
});
