// What answers to calls of gRPC are worth, and the deadlines that come with them.

import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { Server as NetServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ask, session } from '../support/http2-client.ts';
import { listening } from '../support/listening.ts';
import {
  type ServiceSpec,
  startInstance,
  startProxy,
  startRawInstance,
  type TestProxy,
  until,
} from '../support/proxy.ts';

const CALL = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
const HEAD = { ':status': 200, 'content-type': 'application/grpc' };
const MESSAGE = Buffer.from([0, 0, 0, 0, 1, 7]);

async function startCalls(onCall: (stream: ServerHttp2Stream) => void): Promise<number> {
  const server = createServer();
  server.on('session', (one) => onTestFinished(() => one.destroy()));
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.resume().once('end', () => onCall(stream));
  });
  onTestFinished(() => void server.close());
  return listening(server as unknown as NetServer);
}

function startCase(ports: readonly number[], changes: Partial<ServiceSpec> = {}): Promise<TestProxy> {
  return startProxy([{ name: 'svc', scheme: 'h2c', ports, ...changes }]);
}

function end(stream: ServerHttp2Stream, trailers: Readonly<Record<string, string>>, head: object = {}): void {
  stream.respond({ ...HEAD, ...head }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(MESSAGE);
}

const results = ({ observed }: TestProxy): string[] => observed.map(({ result }) => result);
const accounts = ({ accounts }: TestProxy): boolean[] => accounts.map(({ success }) => success);

describe('a call of gRPC-Web', () => {
  const trailers = (text: string): Buffer =>
    Buffer.concat([Buffer.from([0x80, 0, 0, 0, text.length]), Buffer.from(text)]);

  it.each<[string, Buffer, string]>([
    ['by the trailers in its body', Buffer.concat([MESSAGE, trailers('grpc-status:0')]), 'success'],
    ['by the trailers in its body', trailers('grpc-status: 14\r\n'), 'failed'],
    ['as failed without them', MESSAGE, 'failed'],
    ['as empty without a message', trailers('grpc-status:0'), 'empty'],
  ])('is judged %s', async (_how, body, row) => {
    const { port } = await startInstance((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/grpc-web+proto' }).end(body);
    });
    const proxy = await startProxy([{ name: 'svc', ports: [port] }]);
    await fetch(proxy.url, { method: 'POST', body: 'x', headers: { 'X-QEdge-Service': 'svc' } });
    expect(proxy.verdicts.map((verdict) => verdict.row)).toEqual([row]);
  });
});

describe('a call of gRPC', () => {
  it.each<[string, string, (stream: ServerHttp2Stream) => void]>([
    ['success', 'a status of two zeroes', (stream) => end(stream, { 'grpc-status': '00' })],
    ['failed', 'a status that is none', (stream) => end(stream, { 'grpc-status': 'OK' })],
    ['failed', 'a status that is empty', (stream) => end(stream, { 'grpc-status': '' })],
    ['failed', 'trailers without a status', (stream) => end(stream, { 'x-checksum': '1' })],
    [
      'failed',
      'a failure behind a success in its head',
      (stream) => end(stream, { 'grpc-status': '14' }, { 'grpc-status': '0' }),
    ],
    [
      'failed',
      'a status in the head of an answer with a body',
      (stream) => {
        stream.respond({ ...HEAD, 'grpc-status': '0' });
        stream.end(MESSAGE);
      },
    ],
    [
      'failed',
      'another type and a status of success',
      (stream) => end(stream, { 'grpc-status': '0' }, { 'content-type': 'application/json' }),
    ],
    [
      'failed',
      'a message that is compressed in an unknown way',
      (stream) => {
        stream.respond(HEAD, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.from([1, 0, 0, 0, 1, 7]));
      },
    ],
    ['failed', 'no content', (stream) => stream.respond({ ':status': 204 }, { endStream: true })],
  ])('is judged %s by %s', async (row, _, answer) => {
    const proxy = await startCase([await startCalls(answer)]);
    await ask(session(proxy.url), CALL, ['x']);
    expect(proxy.verdicts.map((verdict) => verdict.row).at(-1)).toBe(
      row === 'failed' && proxy.verdicts.length > 1 ? 'broke-off' : row,
    );
  });

  it('that is answered with a page of the web is a failure', async () => {
    const port = await startCalls((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'text/html' });
      stream.end('<h1>It works!</h1>');
    });
    const proxy = await startCase([port]);
    const client = session(proxy.url);
    await ask(client, CALL, ['x']);
    expect([results(proxy), accounts(proxy)]).toEqual([['failed'], [false]]);
    expect(proxy.verdicts).toEqual([{ key: 'n1/a', row: 'failed', reason: 'grpc 2 UNKNOWN' }]);
    await ask(client, { ':method': 'POST' }, ['x']);
    expect(accounts(proxy)).toEqual([false, true]);
  });

  it('whose last message is cut off is a failure, no matter what its trailers say', async () => {
    const port = await startCalls((stream) => {
      stream.respond(HEAD, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(MESSAGE.subarray(0, 5));
    });
    const proxy = await startCase([port]);
    await ask(session(proxy.url), CALL, ['x']);
    expect(proxy.verdicts).toEqual([{ key: 'n1/a', row: 'cut-off', reason: 'cut off' }]);
  });

  it('succeeds with a status of 200 alone', async () => {
    const port = await startCalls((stream) => {
      stream.respond({ ':status': 500, 'grpc-status': '0' }, { endStream: true });
    });
    const proxy = await startCase([port]);
    await ask(session(proxy.url), CALL, ['x']);
    expect([results(proxy), accounts(proxy)]).toEqual([['failed'], [false]]);
  });

  it('that one instance alone answers without a message is held against it', async () => {
    const ok = { ...HEAD, 'grpc-status': '0' };
    const hollow = await startCalls((stream) => stream.respond(ok, { endStream: true }));
    const good = await startCalls((stream) => end(stream, { 'grpc-status': '0' }));
    const proxy = await startCase([hollow, good]);
    const client = session(proxy.url);
    for (let i = 0; i < 16; i++) await ask(client, CALL, ['x']);
    const reasons = proxy.verdicts.filter(({ reason }) => reason !== '');
    expect(reasons.length).toBeGreaterThan(2);
    expect(new Set(reasons.map(({ key, reason }) => `${key} ${reason}`))).toEqual(new Set(['n1/a empty body']));
  });

  it('that was refused with a pause is left alone for as long', async () => {
    let asked = 0;
    const full = { ...HEAD, 'grpc-status': '8', 'retry-after': '30' };
    const busy = await startCalls((stream) => {
      asked++;
      stream.respond(full, { endStream: true });
    });
    const good = await startCalls((stream) => {
      stream.respond({ ...HEAD, 'grpc-status': '0' });
      stream.end(MESSAGE);
    });
    const proxy = await startCase([busy, good]);
    const client = session(proxy.url);
    for (let i = 0; i < 6; i++) await ask(client, CALL, ['x']);
    expect(asked).toBe(1);
  });

  it('whose stream the instance ends at the deadline of its client is no miss', async () => {
    const port = await startCalls((stream) => {
      stream.respond(HEAD, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '4' }));
      stream.write(MESSAGE);
      setTimeout(() => stream.end(), 320);
    });
    const proxy = await startCase([port], { timeoutMs: 10_000 });
    await ask(session(proxy.url), { ...CALL, 'grpc-timeout': '300m' }, ['x']);
    expect([results(proxy), accounts(proxy)]).toEqual([['answered'], [true]]);
  });
});

describe('a deadline', () => {
  it.each([
    ['99999999H', /^999999\d{4}$/],
    ['2H', /^7[12]\d{5}$/],
    ['3M', /^1[78]\d{4}$/],
    ['90S', /^(?:8|9)\d{4}$/],
    ['80000m', /^(?:7|8)\d{4}$/],
    ['70000000u', /^(?:6|7)\d{4}$/],
  ])('of %s goes on as a number that the next proxy reads', async (timeout, wanted) => {
    const seen: (string | undefined)[] = [];
    const instance = await startInstance((request, response) => {
      seen.push(request.headers['x-qedge-deadline-ms'] as string | undefined);
      response.end('ok');
    });
    const inner = await startProxy([{ name: 'svc', ports: [instance.port] }], {}, 'inner');
    const outer = await startProxy([{ name: 'svc', ports: [inner.port] }], {}, 'outer');
    const answer = await ask(session(outer.url), { ':method': 'POST', 'grpc-timeout': timeout }, ['x']);
    expect(answer.status).toBe(200);
    expect(seen).toEqual([expect.stringMatching(wanted)]);
  });

  it('that is shorter than any answer takes says nothing of the instances', async () => {
    let quick = true;
    const port = await startCalls((stream) => {
      if (!quick) return;
      setTimeout(() => {
        stream.respond({ ':status': 200 });
        stream.end('ok');
      }, 60);
    });
    const proxy = await startCase([port]);
    const client = session(proxy.url);
    await ask(client, { ':method': 'GET' });
    quick = false;
    const late = await ask(client, { ...CALL, 'grpc-timeout': '20m' }, ['x']);
    expect(late.headers['grpc-status']).toBe('4');
    await until(() => proxy.observed.length === 2);
    expect(proxy.observed[1]?.result).toBe('aborted');
    expect(proxy.verdicts[1]).toEqual({ key: 'n1/a', row: 'deadline', reason: '' });
    expect(accounts(proxy).at(-1)).toBe(false);
  });
});

describe('a stream without a length that must not be buffered', () => {
  it('is judged by its first byte in HTTP/2 as well', async () => {
    const port = await startCalls((stream) => {
      stream.respond({ ':status': 200, 'x-accel-buffering': 'no' });
      stream.write('one');
    });
    const proxy = await startCase([port]);
    const stream = session(proxy.url).request({ 'x-qedge-service': 'svc' });
    stream.on('error', () => {});
    stream.resume();
    await until(() => proxy.accounts.length === 1);
    expect([results(proxy), accounts(proxy)]).toEqual([['answered'], [true]]);
  });
});

describe('a request that waited elsewhere', () => {
  it('is a miss, and nothing against the instance that answers it at last', async () => {
    const silent = await startRawInstance(() => {});
    const good = await startCalls((stream) => {
      stream.respond({ ':status': 200 });
      stream.end('ok');
    });
    const qos = { latencyMs: 400 };
    const proxy = await startCase([silent, good], { qos, connectTimeoutMs: 450 });
    const client = session(proxy.url);
    await Promise.all([ask(client, {}), ask(client, {})]);
    const late = proxy.verdicts.filter(({ row }) => row === 'delayed');
    expect(late).toEqual([{ key: 'n2/b', row: 'delayed', reason: '' }]);
    expect([...accounts(proxy)].sort()).toEqual([false, true]);
  });
});
