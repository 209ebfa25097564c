import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HeadChecks } from '../../src/net/head-checks.ts';
import { listening } from '../support/listening.ts';
import { PATIENCE } from '../support/patience.ts';

async function start() {
  const server = createServer({ headersTimeout: 50, requestTimeout: 0 }, (_request, response) => response.end('ok'));
  const checks = new HeadChecks(server, 20);
  server.prependListener('connection', (socket) => checks.watch(socket));
  server.on('upgrade', (_request, socket) => {
    checks.forget(socket as never);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const port = await listening(server);
  // What node set its interval to last.
  const intervalMs = (): unknown => (server as never as Record<string, unknown>).connectionsCheckingInterval;
  return { port, server, intervalMs };
}

describe('the look at late heads', () => {
  it('is made while there is a connection, which is answered 408, and not once there is none', async () => {
    const { port, intervalMs } = await start();
    expect(intervalMs()).toBeGreaterThan(1e9);
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n');
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 408 /);
    await once(socket, 'close');
    await expect.poll(intervalMs, PATIENCE).toBeGreaterThan(1e9);
    const second = connect(port, '127.0.0.1');
    second.write('GET / HTTP/1.1\r\nHost: a\r\n');
    expect(String((await once(second, 'data'))[0])).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('is not begun again by a server that closes, behind its last connection', async () => {
    const { port, server, intervalMs } = await start();
    const socket = connect(port, '127.0.0.1');
    const [taken] = (await once(server, 'connection')) as [Socket];
    server.close();
    socket.destroy();
    await once(taken, 'close');
    expect(intervalMs()).toBe(20);
  });

  it('is not made for a connection that went on to another protocol', async () => {
    const { port, intervalMs } = await start();
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 101 /);
    expect(intervalMs()).toBeGreaterThan(1e9);
  });
});
