import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientTls } from '../../../src/net/tls.ts';
import { InstancePool } from '../../../src/proxy/upstream/pool.ts';
import type { UpstreamError, UpstreamHandler } from '../../../src/proxy/upstream/upstream.ts';
import { listening } from '../../support/listening.ts';
import { PATIENCE } from '../../support/patience.ts';
import { serviceConfig } from '../../support/proxy.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const REQUEST = { method: 'GET', target: '/', fields: ['Host', 'pilotnet'] };

let server: Server;
let sockets: Socket[] = [];
let answer: string;
let closes: boolean;
let nowMs: number;
let pool: InstancePool;
/** What connecting takes to an instance far away. */
let farMs: number;

beforeEach(async () => {
  answer = OK;
  closes = false;
  nowMs = 0;
  sockets = [];
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', () => {
      socket.write(answer);
      if (closes) socket.end();
    });
  });
  const port = await listening(server);
  const config = serviceConfig({ name: 'pilotnet', ports: [port] });
  farMs = config.qos.latencyMs / 5;
  const instance = {
    service: 'pilotnet',
    nodeId: 'node',
    id: 'a',
    scheme: 'http' as const,
    host: '127.0.0.1',
    port,
    labels: {},
    profile: null,
  };
  pool = new InstancePool(instance, config, clientTls(config.caFile), () => nowMs);
});

afterEach(async () => {
  pool.retire();
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
});

/** Sends one request over a pooled connection; its body, or why there is none. */
function exchange(): Promise<string | UpstreamError> {
  return new Promise((resolve) => {
    let body = '';
    const handler: UpstreamHandler = {
      onConnected: () => {},
      onInformation: () => {},
      onHead: () => {},
      onUpgrade: () => {},
      onData: (chunk) => {
        body += chunk.toString('latin1');
      },
      onEnd: () => resolve(body),
      onError: resolve,
    };
    pool.takeConnection().send(REQUEST, null, handler);
  });
}

describe('connections to an instance', () => {
  it('are used again', async () => {
    for (let i = 0; i < 5; i++) expect(await exchange()).toBe('ok');
    expect(sockets).toHaveLength(1);
    expect(pool.connections).toBe(1);
  });

  it('are not used again once the instance is about to close them', async () => {
    answer = 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=3\r\nContent-Length: 2\r\n\r\nok';
    await exchange();
    nowMs += 1999;
    await exchange();
    expect(sockets).toHaveLength(1);
    nowMs += 2001;
    await exchange();
    expect(sockets).toHaveLength(2);
  });

  it('are not used again after a time in which the instance was seen to hang up', async () => {
    await exchange();
    nowMs += 1000;
    sockets[0]?.end();
    await expect.poll(() => pool.connections, PATIENCE).toBe(0);
    await exchange();
    nowMs += 699;
    await exchange();
    expect(sockets).toHaveLength(2);
    nowMs += 700;
    await exchange();
    expect(sockets).toHaveLength(3);
  });

  it('are trusted again when the instance has hung up on no other for a while', async () => {
    await exchange();
    nowMs += 5;
    sockets[0]?.end();
    await expect.poll(() => pool.connections, PATIENCE).toBe(0);
    nowMs += 60_000;
    await exchange();
    nowMs += 1000;
    await exchange();
    expect(sockets).toHaveLength(2);
  });

  it('close when they lay idle for too long', async () => {
    await exchange();
    nowMs += 3999;
    pool.sweep(2000);
    expect(pool.connections).toBe(1);
    nowMs += 1;
    pool.sweep(2000);
    await expect.poll(() => pool.connections, PATIENCE).toBe(0);
  });

  it('to a far instance in use are replaced before they are too old', async () => {
    const first = exchange();
    nowMs += farMs;
    await first;
    nowMs += 2000;
    pool.sweep(2000);
    await expect.poll(() => pool.connections, PATIENCE).toBe(2);
    nowMs += 2000;
    pool.sweep(2000);
    await expect.poll(() => pool.connections, PATIENCE).toBe(1);
    nowMs += 4000;
    expect(await exchange()).toBe('ok');
    expect(sockets).toHaveLength(2);
  });

  it('to a near instance, or to one that is not in use, are not', async () => {
    await exchange();
    nowMs += 3000;
    pool.sweep(2000);
    const far = exchange();
    nowMs += farMs;
    await far;
    nowMs += 61_000;
    pool.sweep(2000);
    await expect.poll(() => pool.connections, PATIENCE).toBe(0);
    expect(sockets).toHaveLength(1);
  });

  it('are given up when the instance says what was not asked for', async () => {
    await exchange();
    sockets[0]?.write(OK);
    await expect.poll(() => pool.connections, PATIENCE).toBe(0);
    expect(await exchange()).toBe('ok');
    expect(sockets).toHaveLength(2);
  });

  it('are not used again when more comes than was asked for', async () => {
    answer = `${OK}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`;
    expect(await exchange()).toBe('ok');
    answer = OK;
    expect(await exchange()).toBe('ok');
    expect(sockets).toHaveLength(2);
  });

  it('are not used again after a 204 that announces a body, which comes later', async () => {
    const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison';
    answer = `HTTP/1.1 204 No Content\r\nContent-Length: ${poison.length}\r\n\r\n`;
    expect(await exchange()).toBe('');
    sockets[0]?.prependOnceListener('data', () => sockets[0]?.write(poison));
    answer = OK;
    expect(await exchange()).toBe('ok');
  });

  it('are read again after a call that paused in the last piece of its answer', async () => {
    await new Promise<void>((resolve) => {
      const connection = pool.takeConnection();
      const call = connection.send(REQUEST, null, {
        onConnected: () => {},
        onInformation: () => {},
        onHead: () => {},
        onUpgrade: () => {},
        onData: () => call.pause(),
        onEnd: () => resolve(),
        onError: () => {},
      });
    });
    expect(await exchange()).toBe('ok');
    expect(sockets).toHaveLength(1);
  });

  it('that the instance closes while it answers fail their request', async () => {
    answer = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n';
    closes = true;
    expect(await exchange()).toMatchObject({ code: 'upstream-reset', progress: 'answered' });
    await expect.poll(() => pool.connections, PATIENCE).toBe(0);
  });
});
