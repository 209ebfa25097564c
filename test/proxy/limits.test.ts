// Protecting instances and the proxy itself: what is over a limit waits shortly or is refused with a reason.

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { PATIENCE } from '../support/patience.ts';
import { bodyOf, rawRequest, startInstance, startProxy, until } from '../support/proxy.ts';

const HEADERS = { 'X-QEdge-Service': 'pilotnet' };

/** An instance that answers when asked to. */
async function held(): Promise<{ port: number; waiting: ServerResponse[]; most: () => number }> {
  const waiting: ServerResponse[] = [];
  let most = 0;
  const { port } = await startInstance((_, response) => {
    waiting.push(response);
    most = Math.max(most, waiting.length);
  });
  return { port, waiting, most: () => most };
}

function release(waiting: ServerResponse[]): void {
  for (const response of waiting.splice(0)) response.end('ok');
}

/** Two requests, of which the first is held. */
async function expectSecondRefused(url: string, waiting: ServerResponse[]): Promise<void> {
  const first = fetch(url, { headers: HEADERS });
  await until(() => waiting.length === 1);
  const second = await fetch(url, { headers: HEADERS });
  expect(second.headers.get('x-qedge-error')).toBe('overloaded');
  release(waiting);
  await first;
}

describe('an instance', () => {
  it('never gets more at a time than its limit; the rest waits its turn', async () => {
    const { port, waiting, most } = await held();
    const { url, proxy } = await startProxy([
      { name: 'pilotnet', ports: [port], limits: { instanceInFlightMax: 2, queueMax: 10 } },
    ]);
    const answers = Array.from({ length: 6 }, () => fetch(url, { headers: HEADERS }));
    await until(() => proxy.stats().services[0]?.queued === 4 && waiting.length === 2);
    let done = false;
    const all = Promise.all(answers).then((list) => {
      done = true;
      return list;
    });
    await until(() => {
      release(waiting);
      return done;
    });
    expect((await all).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(most()).toBe(2);
    expect(proxy.stats().services[0]?.upstreamConnections).toBeLessThanOrEqual(2);
  });

  it('never has more connections than its limit, in any case for', async () => {
    let open = 0;
    const { port, server } = await startInstance(async (request, response) => {
      response.end(String((await bodyOf(request)).length));
    });
    server.on('connection', (socket) => {
      open++;
      socket.on('close', () => open--);
    });
    const limits = { instanceConnectionsMax: 1 };
    const { url } = await startProxy([{ name: 'pilotnet', ports: [port], limits }]);
    for (const bytes of [0, 100_000, 10, 100_000, 0]) {
      const body = bytes === 0 ? {} : { method: 'POST', body: Buffer.alloc(bytes) };
      expect(await (await fetch(url, { headers: HEADERS, ...body })).text()).toBe(String(bytes));
      await until(() => open === 1);
    }
  });

  it('that is full makes way for one that is not', async () => {
    const first = await held();
    const second = await held();
    const { url } = await startProxy([
      { name: 'pilotnet', ports: [first.port, second.port], limits: { instanceInFlightMax: 1, queueMax: 0 } },
    ]);
    const one = fetch(url, { headers: HEADERS });
    await until(() => first.waiting.length + second.waiting.length === 1);
    const two = fetch(url, { headers: HEADERS });
    await until(() => first.waiting.length + second.waiting.length === 2);
    const three = await fetch(url, { headers: HEADERS });
    expect(three.status).toBe(503);
    release(first.waiting);
    expect((await Promise.race([one, two])).status).toBe(200);
    const four = fetch(url, { headers: HEADERS });
    await until(() => first.waiting.length === 1);
    release(first.waiting);
    release(second.waiting);
    expect([(await one).status, (await two).status, (await four).status]).toEqual([200, 200, 200]);
  });

  it('that is full, with its queue, makes a 503 that says when to come back', async () => {
    const { port, waiting } = await held();
    const { url } = await startProxy([
      { name: 'pilotnet', ports: [port], limits: { instanceInFlightMax: 1, queueMax: 0 } },
    ]);
    const first = fetch(url, { headers: HEADERS });
    await until(() => waiting.length === 1);
    const second = await fetch(url, { headers: HEADERS });
    expect(second.status).toBe(503);
    expect(second.headers.get('x-qedge-error')).toBe('overloaded');
    expect(second.headers.get('retry-after')).toBe('1');
    release(waiting);
    expect((await first).status).toBe(200);
  });

  it('is not waited for beyond the queue timeout', async () => {
    const { port, waiting } = await held();
    const { url, observed } = await startProxy([
      { name: 'pilotnet', ports: [port], limits: { instanceInFlightMax: 1, queueTimeoutMs: 50 } },
    ]);
    await expectSecondRefused(url, waiting);
    expect(observed).toHaveLength(1);
  });

  it('gives the place in its queue back when the client leaves', async () => {
    const { port, waiting } = await held();
    const { port: proxyPort, proxy } = await startProxy([
      { name: 'pilotnet', ports: [port], limits: { instanceInFlightMax: 1 } },
    ]);
    const first = fetch(`http://127.0.0.1:${proxyPort}`, { headers: HEADERS });
    await until(() => waiting.length === 1);
    const client = connect(proxyPort, '127.0.0.1');
    client.write('GET / HTTP/1.1\r\nHost: pilotnet\r\n\r\n');
    await until(() => proxy.stats().services[0]?.queued === 1);
    client.destroy();
    await until(() => proxy.stats().services[0]?.queued === 0);
    release(waiting);
    expect((await first).status).toBe(200);
    expect(proxy.stats().inFlight).toBe(0);
  });

  it('gets no request whose body broke while it was in the queue', async () => {
    const { port, waiting } = await held();
    const proxy = await startProxy([{ name: 'pilotnet', ports: [port], limits: { instanceInFlightMax: 1 } }]);
    const queued = (): number | undefined => proxy.proxy.stats().services[0]?.queued;
    const first = fetch(proxy.url, { headers: HEADERS });
    await until(() => waiting.length === 1);
    const client = connect(proxy.port, '127.0.0.1');
    onTestFinished(() => void client.destroy());
    client.write('POST / HTTP/1.1\r\nHost: pilotnet\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await until(() => queued() === 1);
    client.write('no chunk\r\n');
    const [answer] = await once(client, 'data');
    expect(String(answer)).toContain('400 Bad Request');
    expect(queued()).toBe(0);
    release(waiting);
    await (await first).text();
    expect(proxy.observed).toHaveLength(1);
    expect(waiting).toHaveLength(0);
  });
});

describe('a client that trickles a body', () => {
  it.each([
    ['service', { inFlightMax: 2 }],
    ['instance', { instanceInFlightMax: 2 }],
  ])('makes way for a request once its %s is full, and keeps its place until then', async (_, limits) => {
    const { port } = await startInstance((request, response) => {
      request.resume().on('end', () => response.end());
    });
    const proxy = await startProxy([{ name: 'pilotnet', ports: [port], limits }]);
    const slow = Array.from({ length: 2 }, () => {
      const socket = connect(proxy.port, '127.0.0.1');
      socket.write('POST / HTTP/1.1\r\nHost: pilotnet\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n');
      const answer = textOf(socket);
      return { answer, trickle: setInterval(() => socket.write('1\r\nx\r\n'), 50), socket };
    });
    await until(() => proxy.proxy.stats().inFlight === 2);
    const get = async (): Promise<number> => (await fetch(proxy.url, { headers: HEADERS })).status;
    await expect.poll(get, PATIENCE).toBe(200);
    await until(() => slow.some(({ answer }) => answer().startsWith('HTTP/1.1 408 ')));
    expect(await get()).toBe(200);
    const left = slow.filter(({ answer }) => answer() === '');
    expect(left).toHaveLength(1);
    for (const { trickle, socket } of slow) {
      clearInterval(trickle);
      if (!socket.destroyed) socket.write('0\r\n\r\n');
    }
    await until(() => left[0]?.answer().startsWith('HTTP/1.1 200 ') === true);
    expect(proxy.proxy.stats().inFlight).toBe(0);
  });
});

describe('a client that does not take its answer', () => {
  it('makes way in time for a request once its service is full', async () => {
    const { port } = await startInstance((request, response) => {
      response.end(request.url === '/large' ? Buffer.alloc(32 * 1024 * 1024) : 'ok');
    });
    // Time of its own, so that seconds do not take seconds.
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() * 20);
    onTestFinished(() => void vi.restoreAllMocks());
    const proxy = await startProxy([{ name: 'pilotnet', ports: [port], limits: { inFlightMax: 1 } }]);
    const slow = connect(proxy.port, '127.0.0.1');
    slow.write('GET /large HTTP/1.1\r\nHost: pilotnet\r\n\r\n');
    await until(() => proxy.proxy.stats().inFlight === 1);
    await expect.poll(async () => (await fetch(proxy.url, { headers: HEADERS })).status, PATIENCE).toBe(200);
    slow.destroy();
  });
});

describe('a service', () => {
  it('refuses what is over its limit of requests in flight', async () => {
    const { port, waiting } = await held();
    const { url, accounts } = await startProxy([{ name: 'pilotnet', ports: [port], limits: { inFlightMax: 1 } }]);
    await expectSecondRefused(url, waiting);
    expect(accounts.map(({ success }) => success)).toEqual([false, true]);
    const third = fetch(url, { headers: HEADERS });
    await until(() => waiting.length === 1);
    release(waiting);
    expect((await third).status).toBe(200);
  });
});

describe('a client that trickles its body', () => {
  it.each([1000, 100_000])('of %i bytes takes no place from others', async (bytes) => {
    const { port: instance } = await startInstance(async (request, response) => {
      response.end(String((await bodyOf(request)).length));
    });
    const { port, url, proxy } = await startProxy([
      { name: 'pilotnet', ports: [instance], limits: { inFlightMax: 2 } },
    ]);
    const trickle = (): Socket => {
      const client = connect(port, '127.0.0.1');
      client.on('error', () => {});
      client.write(`POST / HTTP/1.1\r\nHost: pilotnet\r\nContent-Length: ${bytes}\r\n\r\nx`);
      return client;
    };
    const first = trickle();
    const others = Array.from({ length: 7 }, trickle);
    await until(() => proxy.stats().connections === 8);
    expect((await fetch(url, { headers: HEADERS })).status).toBe(200);
    expect(proxy.stats().inFlight).toBe(0);
    first.write('y'.repeat(bytes - 1));
    const [answer] = await once(first, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200/);
    for (const client of [first, ...others]) client.destroy();
  });
});

describe('a request', () => {
  it.each([
    [
      'a target',
      `GET /${'x'.repeat(3000)} HTTP/1.1\r\nHost: pilotnet\r\nConnection: close\r\n\r\n`,
      414,
      'uri-too-long',
    ],
    ['fields', `GET / HTTP/1.1\r\nHost: pilotnet\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers-too-large'],
    ['a body', 'POST / HTTP/1.1\r\nHost: pilotnet\r\nContent-Length: 2001\r\n\r\n', 413, 'body-too-large'],
    [
      'a chunked body',
      `POST / HTTP/1.1\r\nHost: pilotnet\r\nTransfer-Encoding: chunked\r\n\r\n7d1\r\n${'x'.repeat(2001)}\r\n`,
      413,
      'body-too-large',
    ],
  ])('with %s over the limit is refused', async (_, bytes, status, code) => {
    const { port } = await startProxy([{ name: 'pilotnet', ports: [] }], { urlBytesMax: 2000, bodyBytesMax: 2000 });
    const answer = await rawRequest(port, bytes);
    expect(answer.status).toBe(status);
    expect(answer.head).toContain(`X-QEdge-Error: ${code}`);
    expect(answer.ending).toBe('end');
  });
});

describe('a port', () => {
  it('takes no more connections than it may', async () => {
    const { port, proxy } = await startProxy([], { connectionsMax: 2 });
    const clients = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    await until(() => proxy.stats().connections === 2);
    const third = connect(port, '127.0.0.1');
    third.on('error', () => {});
    await once(third, 'close');
    expect(proxy.stats().connections).toBe(2);
    for (const client of clients) client.destroy();
  });
});

/** Reads the socket; what has come so far. */
function textOf(socket: Socket): () => string {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {});
  return () => text;
}
