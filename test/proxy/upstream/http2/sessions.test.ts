// Connections of HTTP/2 to an instance: how many are opened, which requests wait, and what becomes of requests left unprocessed.

import { constants, createServer } from 'node:http2';
import type { Server as NetServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answer, goaway, startHttp2ByHand } from '../../../support/http2-by-hand.ts';
import { ask, session } from '../../../support/http2-client.ts';
import { listening } from '../../../support/listening.ts';
import { PATIENCE } from '../../../support/patience.ts';
import { type ServiceSpec, startProxy, startRawInstance, type TestProxy } from '../../../support/proxy.ts';
import { startRelay } from '../../../support/tcp-relay.ts';

const ENHANCE_YOUR_CALM = constants.NGHTTP2_ENHANCE_YOUR_CALM;

/** An instance that takes few streams a connection and answers late, so that those of a burst overlap. */
async function startNarrow(streamsMax: number): Promise<{ port: number; sessions: () => number }> {
  let sessions = 0;
  const server = createServer({ settings: { maxConcurrentStreams: streamsMax } });
  server.on('session', (one) => {
    sessions++;
    onTestFinished(() => one.destroy());
  });
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    setTimeout(() => {
      stream.respond({ ':status': 200 });
      stream.end('ok');
    }, 30);
  });
  onTestFinished(() => void server.close());
  return { port: await listening(server as unknown as NetServer), sessions: () => sessions };
}

function proxyFor(port: number, changes: Partial<ServiceSpec> = {}): Promise<TestProxy> {
  return startProxy([{ name: 'svc', ports: [port], scheme: 'h2c', ...changes }]);
}

/** Statuses of a burst of POSTs. */
async function burst(proxy: TestProxy, size: number): Promise<number[]> {
  const client = session(proxy.url);
  const answers = Array.from({ length: size }, () => ask(client, { ':method': 'POST' }, ['x']));
  return (await Promise.all(answers)).map(({ status }) => status);
}

const results = ({ observed }: TestProxy): string[] => observed.map(({ result }) => result).sort();

describe('connections of HTTP/2 to one instance', () => {
  it('are opened as many as a burst needs by the streams that the instance allows', async () => {
    const instance = await startNarrow(4);
    const proxy = await proxyFor(instance.port);
    expect(await burst(proxy, 20)).toEqual(Array(20).fill(200));
    expect(results(proxy)).toEqual(Array(20).fill('answered'));
    expect(instance.sessions()).toBe(5);
  });

  it('let requests wait for a stream where no more may be opened', async () => {
    const instance = await startNarrow(2);
    const proxy = await proxyFor(instance.port, { limits: { instanceConnectionsMax: 1 } });
    expect(await burst(proxy, 6)).toEqual(Array(6).fill(200));
    expect(instance.sessions()).toBe(1);
  });

  it('are given up when the instance does not say in time what it takes', async () => {
    const silent = await startRawInstance(() => {});
    const proxy = await proxyFor(silent, { connectTimeoutMs: 50, retry: { attempts: 0 } });
    const refused = await ask(session(proxy.url), {});
    expect([refused.status, refused.headers['x-qedge-error']]).toEqual([502, 'upstream-connect']);
  });

  it('still carry what waits for them when their service leaves', async () => {
    const instance = await startNarrow(2);
    const proxy = await proxyFor(instance.port, { limits: { instanceConnectionsMax: 1 } });
    const statuses = burst(proxy, 6);
    await expect.poll(() => instance.sessions(), PATIENCE).toBe(1);
    await proxy.proxy.applyServices([]);
    expect(await statuses).toEqual(Array(6).fill(200));
  });
});

describe('a request that the instance left unprocessed', () => {
  it.each([
    ['leaves in order', 0],
    ['complains', ENHANCE_YOUR_CALM],
  ])('is sent again, and charged to nothing, when the instance %s', async (_how, code) => {
    let connections = 0;
    const port = await startHttp2ByHand((stream, socket) => {
      if (stream === 1) connections++;
      if (connections > 1) socket.write(answer(stream, 'second'));
      else if (stream === 1) socket.write(answer(stream, 'first'));
      else socket.write(goaway(1, code));
    });
    const proxy = await proxyFor(port, { retry: { attempts: 0 } });
    const client = session(proxy.url);
    expect((await ask(client, { ':method': 'POST' }, ['x'])).body).toBe('first');
    expect((await ask(client, { ':method': 'POST' }, ['x'])).body).toBe('second');
    expect(results(proxy)).toEqual(['aborted', 'answered', 'answered']);
    expect(proxy.accounts.map(({ success }) => success)).toEqual([true, true]);
  });

  it('is not repeated blindly when the instance had begun with it', async () => {
    const port = await startHttp2ByHand((_stream, socket) => {
      socket.write(goaway(1));
      socket.end();
    });
    const proxy = await proxyFor(port);
    const broken = await ask(session(proxy.url), { ':method': 'POST' }, ['x']);
    expect([broken.status, broken.headers['x-qedge-error']]).toEqual([502, 'upstream-reset']);
    expect(results(proxy)).toEqual(['refused']);
  });

  it('is charged to an instance that does nothing but refuse', async () => {
    const server = createServer();
    server.on('stream', (stream) => {
      stream.on('error', () => {});
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
    });
    onTestFinished(() => void server.close());
    const proxy = await proxyFor(await listening(server as unknown as NetServer), { retry: { attempts: 0 } });
    const client = session(proxy.url);
    const refused = await ask(client, {});
    expect([refused.status, refused.headers['x-qedge-error']]).toEqual([502, 'upstream-reset']);
    expect(results(proxy)).not.toContain('refused');
    await expect
      .poll(async () => {
        await ask(client, {});
        return results(proxy);
      }, PATIENCE)
      .toContain('refused');
  });
});

describe('a connection that a router forgot', () => {
  it('is noticed by its silence, and holds up no request that comes later', async () => {
    const server = createServer();
    server.on('stream', (stream) => {
      stream.on('error', () => {});
      stream.respond({ ':status': 200 });
      stream.end('ok');
    });
    server.on('session', (one) => onTestFinished(() => one.destroy()));
    onTestFinished(() => void server.close());
    const relay = await startRelay(await listening(server as unknown as NetServer));
    const proxy = await proxyFor(relay.port);
    const client = session(proxy.url);
    expect((await ask(client, {})).status).toBe(200);
    relay.freeze();
    const swallowed = ask(client, {});
    // Past the silence that is allowed while something is awaited: 1 s, and the time that a ping is given.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const sentMs = performance.now();
    expect((await ask(client, {})).status).toBe(200);
    expect(performance.now() - sentMs).toBeLessThan(PATIENCE.timeout);
    await swallowed.catch(() => {});
  });
});
