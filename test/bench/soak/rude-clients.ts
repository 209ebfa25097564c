// Clients that come and go as they like: over HTTP/1.1, HTTP/2 and WebSocket, with bodies of all sizes and shapes, some of which
// leave in the middle, or do not read.

import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';

/** One visit; it takes some seconds at most, and never rejects. */
export type Visit = (port: number) => Promise<void>;

const HOST = { host: 'soak' };
const PATIENCE_MS = 4000;
const BODY = Buffer.alloc(256 * 1024, 'y');
const agent = new Agent({ keepAlive: true, maxSockets: 50 });

const chance = (ratio: number): boolean => Math.random() < ratio;
const someBody = (): Buffer => BODY.subarray(0, Math.random() ** 3 * BODY.length);

export const VISITS: readonly Visit[] = [http1, http1, http1, http1, tinyChunks, http2, webSocket, silence];

/** No connection is kept for what comes next. */
export function leave(): void {
  agent.destroy();
}

async function http1(port: number): Promise<void> {
  const method = chance(0.5) ? 'GET' : 'POST';
  const client = `c${Math.floor(Math.random() * 5000)}`;
  const headers = { ...HOST, 'x-client-id': client, ...(chance(0.1) ? { 'x-qedge-deadline-ms': '200' } : {}) };
  const sent = request({ port, method, agent: chance(0.7) ? agent : false, headers });
  sent.on('error', () => {});
  sent.on('response', (response) => {
    response.on('error', () => {});
    if (chance(0.05)) response.destroy();
    else if (!chance(0.03)) response.resume();
  });
  if (method === 'POST') sent.write(someBody());
  if (!chance(0.05)) sent.end();
  if (chance(0.1)) setTimeout(() => sent.destroy(), Math.random() * 200);
  await closed(sent);
}

async function tinyChunks(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  socket.write('POST / HTTP/1.1\r\nHost: soak\r\nTransfer-Encoding: chunked\r\n\r\n');
  socket.write('1\r\nz\r\n'.repeat(1000));
  await delay(Math.random() * 100);
  if (chance(0.7)) socket.end('0\r\n\r\n');
  else socket.destroy();
  await closed(socket);
}

async function http2(port: number): Promise<void> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  for (let i = 0; i < 10; i++) {
    const stream = session.request({ ':method': 'POST', ':path': '/', ':authority': 'soak' });
    stream.on('error', () => {});
    if (!chance(0.1)) stream.resume();
    stream.write(someBody());
    if (!chance(0.1)) stream.end();
    if (chance(0.2)) setTimeout(() => stream.close(8), Math.random() * 100);
  }
  await delay(Math.random() * 500);
  if (chance(0.5)) session.close();
  else session.destroy();
  await closed(session);
}

async function webSocket(port: number): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: HOST, handshakeTimeout: PATIENCE_MS });
  socket.on('error', () => {});
  socket.on('open', async () => {
    for (let i = 0; i < 20 && socket.readyState === WebSocket.OPEN; i++) {
      socket.send(someBody().subarray(0, 2000));
      await delay(Math.random() * 50);
    }
    if (chance(0.5)) socket.close();
    else socket.terminate();
  });
  await Promise.race([once(socket, 'close'), delay(PATIENCE_MS)]).catch(() => {});
  socket.terminate();
}

/** Half a head, or nothing. */
async function silence(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  if (chance(0.5)) socket.write('GET / HTTP/1.1\r\nHo');
  await delay(Math.random() * 1000);
  socket.destroy();
}

/** At its end, or when patience is. */
async function closed(it: { destroy(): unknown; once(event: 'close', listener: () => void): unknown }): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      it.destroy();
      resolve();
    }, PATIENCE_MS);
    it.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
