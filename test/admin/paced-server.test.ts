import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createPacedServer } from '../../src/admin/paced-server.ts';
import { listening } from '../support/listening.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** A client of a server that lets connections be silent for 100 ms. */
async function clientOf(listener: RequestListener): Promise<Socket> {
  const server = createPacedServer(listener, 100);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const client = connect(await listening(server), '127.0.0.1');
  client.on('error', () => {});
  return client;
}

it('a client that does not read its answer is cut off', async () => {
  const ended = Promise.withResolvers<void>();
  const client = await clientOf((_, response) => {
    response.on('close', () => ended.resolve());
    response.end(Buffer.alloc(50_000_000));
  });
  client.pause().write(REQUEST);
  await ended.promise;
  client.destroy();
});

it('a client that asks for nothing is cut off', async () => {
  const client = await clientOf(() => {});
  await once(client.resume(), 'close');
});

it('an answer may be silent for longer', async () => {
  const client = await clientOf((_, response) => {
    response.write('first');
    setTimeout(() => response.end('last'), 300);
  });
  let text = '';
  client.on('data', (chunk) => {
    text += chunk;
  });
  client.write(REQUEST);
  await expect.poll(() => text).toContain('last');
});
