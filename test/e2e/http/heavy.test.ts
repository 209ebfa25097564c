// What must not grow: memory under bodies larger than it, sockets and heap under clients that keep going away.

import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { PATIENCE } from '../../support/patience.ts';
import { startInstance } from '../../support/proxy.ts';
import { type QedgeProcess, startQedge } from '../../support/qedge-process.ts';

const GIB = 1024 ** 3;
const CHUNK = Buffer.alloc(256 * 1024, 7);
/** What waits for the collector counts as well, so this is not tight; a body that is kept would be five times that. */
const GROWTH_BYTES_MAX = 200 * 1024 * 1024;
const ABORTS = Number(process.env.QEDGE_TEST_ABORTS ?? 5000);
/** Until then the heap grows to the size that this load needs. */
const WARM_UP = 3000;
/** Connections that idle, and descriptors of other kinds. */
const FEW = 8;
/** Of a heap whose garbage is about as much. */
const HEAP_GROWTH_BYTES_MAX = 32 * 1024 * 1024;
const TIMEOUT_MS = 300_000;

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

function socketsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function start(port: number): Promise<QedgeProcess> {
  return startQedge(
    'heavy',
    `[[service]]
name = "web"
qos = { latency = "60s", success = 0.9, window = "10s" }
policy = "round-robin"
timeout = "60s"
[[service.instances]]
node = "edge"
id = "a"
url = "http://127.0.0.1:${port}"
`,
  );
}

/** The most that the process held while `work` went on. */
async function peakDuring(pid: number, work: Promise<unknown>): Promise<number> {
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, residentBytes(pid));
  }, 50);
  await work;
  clearInterval(timer);
  return peak;
}

describe('a body of 1 GiB', () => {
  it('goes up in flat memory', { timeout: TIMEOUT_MS }, async () => {
    const { port } = await startInstance(async (request, response) => {
      let bytes = 0;
      for await (const chunk of request) bytes += (chunk as Buffer).length;
      response.end(String(bytes));
    });
    const { url, pid } = await start(port);
    const before = residentBytes(pid);
    const outgoing = httpRequest(url, { method: 'PUT', headers: { Host: 'web', 'Content-Length': GIB } });
    const answer = once(outgoing, 'response');
    const upload = async (): Promise<void> => {
      for (let sent = 0; sent < GIB; sent += CHUNK.length) {
        if (!outgoing.write(CHUNK)) await once(outgoing, 'drain');
      }
      outgoing.end();
      await answer;
    };
    const peak = await peakDuring(pid, upload());
    const [incoming] = await answer;
    incoming.setEncoding('utf8');
    const [text] = await once(incoming, 'data');
    expect(text).toBe(String(GIB));
    expect(peak - before).toBeLessThan(GROWTH_BYTES_MAX);
  });

  it('comes down in flat memory, to a client that pauses too', { timeout: TIMEOUT_MS }, async () => {
    const { port } = await startInstance(async (_, response) => {
      response.writeHead(200, { 'Content-Length': GIB });
      for (let sent = 0; sent < GIB; sent += CHUNK.length) {
        if (!response.write(CHUNK)) await once(response, 'drain');
      }
      response.end();
    });
    const { url, pid } = await start(port);
    const before = residentBytes(pid);
    const outgoing = httpRequest(url, { headers: { Host: 'web' } });
    outgoing.end();
    const [incoming] = await once(outgoing, 'response');
    let bytes = 0;
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    incoming.pause();
    setTimeout(() => incoming.resume(), 1000);
    const peak = await peakDuring(pid, once(incoming, 'end'));
    expect(bytes).toBe(GIB);
    expect(peak - before).toBeLessThan(GROWTH_BYTES_MAX);
  });
});

describe('bodies in chunks of one byte', () => {
  it('cost about what they hold, and arrive whole', { timeout: TIMEOUT_MS }, async () => {
    const { port } = await startInstance(async (request, response) => {
      let bytes = 0;
      for await (const chunk of request) bytes += (chunk as Buffer).length;
      response.end(`${bytes} bytes`);
    });
    const { url, pid } = await start(port);
    const proxyPort = Number(new URL(url).port);
    const before = residentBytes(pid);
    const answers = Promise.all(Array.from({ length: 20 }, () => postByteByByte(proxyPort, 60_000)));
    const peak = await peakDuring(pid, answers);
    for (const answer of await answers) expect(answer).toContain('60000 bytes');
    expect(peak - before).toBeLessThan(GROWTH_BYTES_MAX);
  });
});

describe('clients that go away before their answer', () => {
  it('leave no socket and no memory behind', { timeout: TIMEOUT_MS }, async () => {
    const { port } = await startInstance((request) => request.resume());
    const { url, adminUrl, pid } = await start(port);
    const proxyPort = Number(new URL(url).port);
    const batch = async (count: number): Promise<void> => {
      const clients = Array.from({ length: 50 }, async (_, lane) => {
        for (let i = lane; i < count; i += 50) await abortOne(proxyPort, i % 2 === 0);
      });
      await Promise.all(clients);
    };
    const before = socketsOf(pid);
    await batch(WARM_UP);
    await expect.poll(() => socketsOf(pid), PATIENCE).toBeLessThanOrEqual(before + FEW);
    const heap = await heapBytes(adminUrl);
    await batch(ABORTS);
    await expect.poll(() => socketsOf(pid), PATIENCE).toBeLessThanOrEqual(before + FEW);
    // What waits for the collector counts until it comes, some seconds after the last of them.
    await expect.poll(() => heapBytes(adminUrl), PATIENCE).toBeLessThan(heap + HEAP_GROWTH_BYTES_MAX);
  });
});

/** Returns the whole answer. */
async function postByteByByte(port: number, bytes: number): Promise<string> {
  const client = connect(port, '127.0.0.1');
  client.write('POST / HTTP/1.1\r\nHost: web\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n');
  client.write(`${'1\r\nx\r\n'.repeat(bytes)}0\r\n\r\n`);
  let text = '';
  for await (const piece of client) text += piece;
  return text;
}

/** Half of them in the middle of an upload. */
async function abortOne(port: number, upload: boolean): Promise<void> {
  const client = connect(port, '127.0.0.1');
  client.on('error', () => {});
  client.write(
    upload
      ? `POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(100_000)}`
      : 'GET / HTTP/1.1\r\nHost: web\r\n\r\n',
  );
  await new Promise((resolve) => setTimeout(resolve, 5));
  client.destroy();
  await once(client, 'close');
}

/** Of V8's heap, used, garbage included. */
async function heapBytes(adminUrl: string): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  return Number(/^nodejs_heap_used_bytes (\S+)$/m.exec(text)?.[1]);
}
