// How long an instance is taken to be busy: a stream and a WebSocket are judged by their beginning, and are there until their end.

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { PATIENCE } from '../support/patience.ts';
import { startInstance, startProxy, until } from '../support/proxy.ts';

const HEADERS = { 'X-QEdge-Service': 'cam' };

/** Two instances that hold streams open, behind the policy that counts connections. */
async function startPair() {
  const streams: ServerResponse[] = [];
  const start = async () => {
    const instance = await startInstance((request, response) => {
      if (request.url !== '/events') response.end('ok');
      else {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
        streams.push(response);
      }
    });
    const sockets = new WebSocketServer({ server: instance.server });
    onTestFinished(() => void sockets.close());
    return instance.port;
  };
  const ports = [await start(), await start()];
  const proxy = await startProxy([{ name: 'cam', ports, policy: { name: 'least-connections', options: {} } }]);
  const instanceOf = async (path: string) => {
    const answer = await fetch(`${proxy.url}${path}`, { headers: HEADERS });
    return { answer, instance: answer.headers.get('x-qedge-instance') };
  };
  /** Those that answer ten short requests, one after the other. */
  const answering = async () => {
    const seen = new Set<string | null>();
    for (let i = 0; i < 10; i++) seen.add((await instanceOf('/')).instance);
    return seen;
  };
  return { ...proxy, streams, instanceOf, answering };
}

describe('least-connections', () => {
  it('sees an event stream until it ends', async () => {
    const { instanceOf, answering, streams, observed } = await startPair();
    const { answer, instance } = await instanceOf('/events');
    await until(() => observed.length === 1);
    expect((await answering()).has(instance)).toBe(false);
    streams[0]?.end();
    await answer.text();
    expect((await answering()).size).toBe(2);
  });

  it('sees a WebSocket until it closes', async () => {
    const { port, answering, observed } = await startPair();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: HEADERS });
    await once(socket, 'open');
    const [{ key } = { key: '' }] = observed;
    expect((await answering()).has(key)).toBe(false);
    socket.close();
    await once(socket, 'close');
    await expect.poll(async () => (await answering()).size, PATIENCE).toBe(2);
  });
});
