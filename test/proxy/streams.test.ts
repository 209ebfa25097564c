// Answers that are streams: one moment for the instance, the client and the service, and one miss for what breaks off after it.

import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { textOf } from '../support/metrics.ts';
import { startInstance, startProxy, startRawInstance, type TestProxy, until } from '../support/proxy.ts';

const LATE_MS = 1000;

/** An instance that streams by hand. */
async function startStream(head: string): Promise<{ readonly port: number; readonly streams: Socket[] }> {
  const streams: Socket[] = [];
  const port = await startRawInstance((socket) => {
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${head}\r\n\r\n`);
      streams.push(socket);
    });
  });
  return { port, streams };
}

const piece = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

interface Viewer {
  readonly socket: Socket;
  readonly text: () => string;
}

function startViewer(proxy: TestProxy): Viewer {
  const socket = connect(proxy.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: cam\r\nX-Client-Id: viewer\r\n\r\n');
  return { socket, text: () => text };
}

const streamOf = (head: string, qos: object = {}) => ({
  name: 'cam',
  qos: { latencyMs: LATE_MS, ...qos },
  head,
});

async function startCase({ head, ...service }: ReturnType<typeof streamOf>) {
  const { port, streams } = await startStream(head);
  const proxy = await startProxy([{ ...service, ports: [port] }]);
  const viewer = startViewer(proxy);
  await until(() => streams.length === 1);
  const stream = streams[0] as Socket;
  return { proxy, viewer, stream };
}

const results = (proxy: TestProxy) => proxy.observed.map(({ result }) => result);
const accounts = (proxy: TestProxy) => proxy.accounts.map(({ success }) => success);

describe.each([
  'Content-Type: text/event-stream',
  'Content-Type: Text/Event-Stream; charset=utf-8',
  'Content-Type: application/x-ndjson',
  'Content-Type: multipart/x-mixed-replace; boundary=frame',
  'Content-Type: application/octet-stream\r\nX-Accel-Buffering: no',
])('a stream with %j', (head) => {
  it('is in all books with its first byte', async () => {
    const { proxy, viewer, stream } = await startCase(streamOf(head));
    await until(() => viewer.text().includes('\r\n\r\n'));
    expect([results(proxy), accounts(proxy)]).toEqual([[], []]);
    stream.write(piece('one'));
    await until(() => proxy.accounts.length === 1);
    expect([results(proxy), accounts(proxy)]).toEqual([['answered'], [true]]);
    expect(textOf(proxy.metrics)).toContain('qedge_requests_total{service="cam",code="200"} 1');
  });

  it('is a success when its viewer leaves after the first byte, however late', async () => {
    const { proxy, viewer, stream } = await startCase(streamOf(head));
    stream.write(piece('one'));
    await until(() => proxy.accounts.length === 1);
    await new Promise((resolve) => setTimeout(resolve, LATE_MS + 50));
    viewer.socket.destroy();
    await until(() => stream.destroyed || stream.readableEnded);
    expect([results(proxy), accounts(proxy)]).toEqual([['answered'], [true]]);
    expect(textOf(proxy.metrics)).not.toContain('code="499"');
  });

  it('is one miss when it breaks off later', async () => {
    const { proxy, viewer, stream } = await startCase(streamOf(head));
    stream.write(piece('one'));
    await until(() => proxy.accounts.length === 1);
    stream.resetAndDestroy();
    await until(() => viewer.socket.closed);
    expect([results(proxy), accounts(proxy)]).toEqual([['answered', 'failed'], [false]]);
  });
});

describe('a stream', () => {
  const head = 'Content-Type: text/event-stream';

  it('that breaks with its first byte is one failure and no success before it', async () => {
    const { proxy, viewer, stream } = await startCase(streamOf(head));
    stream.end(`${piece('one')}no chunk\r\n`);
    await until(() => viewer.socket.closed);
    expect([results(proxy), accounts(proxy)]).toEqual([['failed'], [false]]);
  });

  it('of events begins with what is no comment', async () => {
    const { proxy, viewer, stream } = await startCase(streamOf(head));
    stream.write(piece(': welcome\n\n'));
    await until(() => viewer.text().includes('welcome'));
    await new Promise((resolve) => setTimeout(resolve, LATE_MS + 50));
    expect(results(proxy)).toEqual([]);
    stream.write(piece('data: left\n\n'));
    await until(() => proxy.accounts.length === 1);
    expect([results(proxy), accounts(proxy)]).toEqual([['answered'], [false]]);
    expect(proxy.observed[0]?.latencyMs).toBeGreaterThan(LATE_MS);
  });

  it('of events that one instance alone ends before the first is whole is held against it', async () => {
    const servers = await Promise.all(
      ['data: left', 'data: left\n\n'].map((text) =>
        startInstance((_request, response) => {
          response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(text);
          setTimeout(() => response.end(), 20);
        }),
      ),
    );
    const ports = servers.map(({ port }) => port);
    const proxy = await startProxy([{ name: 'cam', ports, policy: { name: 'round-robin', options: {} } }]);
    for (let i = 0; i < 28; i++) await (await fetch(proxy.url, { headers: { 'X-QEdge-Service': 'cam' } })).text();
    await until(() => proxy.verdicts.filter(({ row }) => row === 'broke-off').length > 2);
    expect(proxy.verdicts.filter(({ row }) => row === 'broke-off').every(({ key }) => key === 'n1/a')).toBe(true);
  });

  it('whose first byte is late is a miss for the client, and stays one', async () => {
    const { proxy, viewer, stream } = await startCase(streamOf(head));
    await new Promise((resolve) => setTimeout(resolve, LATE_MS + 50));
    stream.write(piece('one'));
    await until(() => proxy.accounts.length === 1);
    stream.resetAndDestroy();
    await until(() => viewer.socket.closed);
    expect(accounts(proxy)).toEqual([false]);
    expect(results(proxy)).toEqual(['answered']);
    expect(proxy.observed[0]?.latencyMs).toBeGreaterThan(LATE_MS);
  });

  it('that pauses for longer than allowed is one miss, and goes on', async () => {
    const { proxy, viewer, stream } = await startCase(streamOf(head, { stallMs: 100 }));
    stream.write(piece('one'));
    await until(() => proxy.accounts.length === 1);
    for (const text of ['two', 'three']) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      stream.write(piece(text));
      await until(() => viewer.text().includes(text));
    }
    stream.end('0\r\n\r\n');
    await until(() => viewer.text().endsWith('0\r\n\r\n'));
    expect([results(proxy), accounts(proxy)]).toEqual([['answered', 'failed'], [false]]);
  });

  it('that sends nothing more is one miss while it is still open', async () => {
    const { proxy, viewer, stream } = await startCase(streamOf(head, { stallMs: 100 }));
    stream.write(piece('one'));
    await until(() => accounts(proxy).includes(false));
    expect([results(proxy), accounts(proxy)]).toEqual([['answered', 'failed'], [false]]);
    expect(viewer.socket.closed).toBe(false);
    stream.end('0\r\n\r\n');
    await until(() => viewer.text().endsWith('0\r\n\r\n'));
    expect([results(proxy), accounts(proxy)]).toEqual([['answered', 'failed'], [false]]);
  });

  it('is measured to its end where the service says so', async () => {
    const { proxy, stream } = await startCase(streamOf(head, { measure: 'last-byte' }));
    stream.write(piece('one'));
    await new Promise((resolve) => setTimeout(resolve, LATE_MS + 50));
    expect(results(proxy)).toEqual([]);
    stream.end('0\r\n\r\n');
    await until(() => proxy.accounts.length === 1);
    expect([results(proxy), accounts(proxy)]).toEqual([['answered'], [false]]);
  });
});

describe('an ordinary answer', () => {
  it('is measured to its first byte where the service says so', async () => {
    const { proxy, stream } = await startCase(streamOf('Content-Type: text/plain', { measure: 'first-byte' }));
    stream.write(piece('one'));
    await until(() => proxy.accounts.length === 1);
    expect([results(proxy), accounts(proxy)]).toEqual([['answered'], [true]]);
    stream.end('0\r\n\r\n');
  });
});
