// What is charged to an instance, and what never is: the time that a client takes to send or to read.

import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { textOf } from '../support/metrics.ts';
import { bodyOf, rawRequest, startInstance, startProxy, until } from '../support/proxy.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('latency', () => {
  it('runs to the last byte of the answer', async () => {
    const instance = await startInstance((_, response) => {
      response.write('head');
      setTimeout(() => response.end('tail'), 80);
    });
    const { url, observed } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    await (await fetch(url, { headers: { 'X-QEdge-Service': 'pilotnet' } })).text();
    await until(() => observed.length === 1);
    expect(observed[0]?.latencyMs).toBeGreaterThan(75);
  });

  it('does not charge a client that sends a small body slowly', async () => {
    const instance = await startInstance(async (request, response) => response.end(await bodyOf(request)));
    const { port, observed } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const client = connect(port, '127.0.0.1');
    client.write('POST / HTTP/1.1\r\nHost: pilotnet\r\nContent-Length: 10\r\n\r\nhello');
    await pause(1000);
    client.write('world');
    await once(client, 'data');
    client.destroy();
    await until(() => observed.length === 1);
    expect(observed[0]?.latencyMs).toBeLessThan(800);
  });

  it.each([
    ['Content-Length: 400000\r\n\r\n', '', ''],
    ['Transfer-Encoding: chunked\r\n\r\n', '186a0\r\n', '\r\n'],
  ])('does not charge a client that streams a large body of %j slowly', async (framing, before, behind) => {
    const instance = await startInstance(async (request, response) =>
      response.end(String((await bodyOf(request)).length)),
    );
    const { port, observed } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const client = connect(port, '127.0.0.1');
    client.write(`POST / HTTP/1.1\r\nHost: pilotnet\r\n${framing}`);
    for (let i = 0; i < 4; i++) {
      client.write(before + 'x'.repeat(100_000) + behind);
      await pause(400);
    }
    if (before !== '') client.write('0\r\n\r\n');
    await until(() => observed.length === 1);
    client.destroy();
    expect(observed[0]?.result).toBe('answered');
    expect(observed[0]?.latencyMs).toBeLessThan(1000);
  });

  it('does not charge a client that reads slowly, but charges the instance for its own time', async () => {
    const bytes = 30_000_000;
    const instance = await startInstance((_, response) => setTimeout(() => response.end(Buffer.alloc(bytes)), 50));
    const { port, observed } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const client = connect({ port, host: '127.0.0.1' });
    client.write('GET / HTTP/1.1\r\nHost: pilotnet\r\n\r\n');
    let received = 0;
    client.on('data', (chunk) => {
      received += chunk.length;
    });
    await once(client, 'data');
    client.pause();
    await pause(3000);
    expect(observed).toEqual([]);
    client.resume();
    await until(() => received > bytes && observed.length === 1);
    client.destroy();
    expect(observed[0]?.result).toBe('answered');
    expect(observed[0]?.latencyMs).toBeGreaterThan(45);
    expect(observed[0]?.latencyMs).toBeLessThan(2500);
  });

  it('is measured against the smaller of the limit and the deadline that came along', async () => {
    const instance = await startInstance((request, response) => {
      if (request.url === '/soon') response.end();
    });
    const { url, accounts } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const headers = { 'X-QEdge-Service': 'pilotnet' };
    await (await fetch(`${url}/soon`, { headers })).text();
    const late = await fetch(`${url}/never`, { headers: { ...headers, 'X-QEdge-Deadline-Ms': '500' } });
    expect(late.status).toBe(504);
    expect(late.headers.get('x-qedge-error')).toBe('deadline-exceeded');
    await until(() => accounts.length === 2);
    expect(accounts.map(({ success }) => success)).toEqual([true, false]);
  });

  it('refuses a request whose deadline has passed already', async () => {
    let reached = 0;
    const instance = await startInstance((_, response) => {
      reached++;
      response.end();
    });
    const { url } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
    const answer = await fetch(url, { headers: { 'X-QEdge-Service': 'pilotnet', 'X-QEdge-Deadline-Ms': '0' } });
    expect(answer.status).toBe(504);
    expect(reached).toBe(0);
  });

  it.each(['-1', 'soon', 'NaN', '', '1e3', '99999999999', '80, soon'])(
    'goes on without a deadline that is none, which is counted and goes no further: %s',
    async (deadline) => {
      const instance = await startInstance(({ headers }, response) =>
        response.end(String(headers['x-qedge-deadline-ms'])),
      );
      const { url, metrics } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }]);
      const answer = await fetch(url, { headers: { 'X-QEdge-Service': 'pilotnet', 'X-QEdge-Deadline-Ms': deadline } });
      expect([answer.status, await answer.text()]).toEqual([200, 'undefined']);
      expect(textOf(metrics)).toContain('qedge_deadlines_ignored_total{service="pilotnet"} 1');
    },
  );
});

describe('a client that is too slow', () => {
  it('with its head is cut off with 408', async () => {
    const { port } = await startProxy([], { headersTimeoutMs: 100 });
    const answer = await rawRequest(port, 'GET / HTTP/1.1\r\nHost: pilo');
    expect(answer.status).toBe(408);
    expect(answer.head).toContain('X-QEdge-Error: request-timeout');
    expect(answer.ending).toBe('end');
  });

  it('with a small body is cut off with 408, and no instance hears of it', async () => {
    let reached = 0;
    const instance = await startInstance(() => reached++);
    const { port, observed, accounts } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }], {
      bodyIdleTimeoutMs: 100,
    });
    const answer = await rawRequest(port, 'POST / HTTP/1.1\r\nHost: pilotnet\r\nContent-Length: 10\r\n\r\nhell');
    expect(answer.status).toBe(408);
    expect(answer.ending).toBe('end');
    expect([reached, observed, accounts]).toEqual([0, [], []]);
  });

  it.each(['Content-Length: 1000000\r\n\r\n', 'Transfer-Encoding: chunked\r\n\r\nf4240\r\n'])(
    'with a large body of %j is cut off with 408, and the instance is not charged',
    async (framing) => {
      const instance = await startInstance((request) => request.resume());
      const { port, observed, accounts } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }], {
        bodyIdleTimeoutMs: 100,
      });
      const answer = await rawRequest(port, `POST / HTTP/1.1\r\nHost: pilotnet\r\n${framing}${'x'.repeat(200_000)}`);
      expect(answer.status).toBe(408);
      expect(observed.map(({ result }) => result)).toEqual(['aborted']);
      expect(accounts).toEqual([]);
    },
  );

  it.each(['GET', 'PROPFIND'])(
    'in reading its answer to %s is cut off, and the instance is not charged',
    async (method) => {
      const instance = await startInstance((_, response) => response.end(Buffer.alloc(30_000_000)));
      const proxy = await startProxy([{ name: 'pilotnet', ports: [instance.port] }], { bodyIdleTimeoutMs: 200 });
      const client = connect({ port: proxy.port, host: '127.0.0.1' });
      client.on('error', () => {});
      client.write(`${method} / HTTP/1.1\r\nHost: pilotnet\r\n\r\n`);
      await once(client, 'data');
      client.pause();
      await until(() => proxy.observed.length === 1);
      expect(proxy.observed[0]?.result).toBe('aborted');
      client.destroy();
    },
  );

  it('is not confused with an instance that thinks for long', async () => {
    const instance = await startInstance((_, response) => setTimeout(() => response.end('done'), 300));
    const { port } = await startProxy([{ name: 'pilotnet', ports: [instance.port] }], { bodyIdleTimeoutMs: 100 });
    const answer = await rawRequest(port, 'GET / HTTP/1.1\r\nHost: pilotnet\r\nConnection: close\r\n\r\n');
    expect(answer.body).toContain('done');
  });
});
