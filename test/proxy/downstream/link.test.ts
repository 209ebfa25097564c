import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { linkOf } from '../../../src/proxy/downstream/link.ts';
import { listening } from '../../support/listening.ts';

/** A server's socket, whose client does not read. */
async function unread(): Promise<Socket> {
  const server = createServer({ allowHalfOpen: true });
  const accepted = once(server, 'connection');
  const client = connect(await listening(server), '127.0.0.1').pause();
  client.on('error', () => {});
  const [socket] = (await accepted) as [Socket];
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  return socket;
}

describe('a connection that is cut off', () => {
  it('is closed where its end is under way', async () => {
    const socket = await unread();
    const errors: Error[] = [];
    socket.on('error', (error) => errors.push(error));
    const closed = once(socket, 'close');
    socket.end();
    linkOf(socket).resetAndDestroy();
    await closed;
    expect(errors).toEqual([]);
  });

  it('is reset where no end was said', async () => {
    const socket = await unread();
    const closed = once(socket, 'close');
    linkOf(socket).resetAndDestroy();
    await closed;
  });
});
