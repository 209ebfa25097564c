// What a busy turn of the event loop holds back for a moment, where one end goes away within it.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { spendTurn } from '../../../src/net/loop-share.ts';
import { holdWrites } from '../../../src/proxy/held-writes.ts';
import { WebSocketPipe } from '../../../src/proxy/websocket/websocket.ts';
import { listening } from '../../support/listening.ts';

/** Two ends of a connection. */
async function startPair(): Promise<readonly [Socket, Socket]> {
  const server = createServer();
  onTestFinished(() => void server.close());
  const socket = connect(await listening(server), '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  if (socket.connecting) await once(socket, 'connect');
  onTestFinished(() => {
    socket.destroy();
    accepted.destroy();
  });
  return [socket, accepted];
}

/** From now on each turn has many writes. */
function keepBusy(): void {
  const sinks = Array.from({ length: 4 }, () => new PassThrough());
  let timer: NodeJS.Immediate;
  const busy = (): void => {
    spendTurn(0);
    for (const sink of sinks) holdWrites(sink);
    timer = setImmediate(busy);
  };
  busy();
  onTestFinished(() => clearImmediate(timer));
}

it('a message whose sender breaks off in the same turn arrives', async () => {
  const [client, atClient] = await startPair();
  const [upstream, atUpstream] = await startPair();
  let text = '';
  atClient.on('data', (piece: Buffer) => {
    text += piece.toString('latin1');
  });
  const closed = once(atClient, 'close');
  new WebSocketPipe({ client, upstream, stallTimeoutMs: 10_000, extended: false, onBadEnd: null });
  // As by a write of its own that fails.
  upstream.once('data', () => upstream.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })));
  keepBusy();
  await new Promise((resolve) => setImmediate(resolve));
  atUpstream.write('the last word');
  await closed;
  expect(text).toBe('the last word');
});
