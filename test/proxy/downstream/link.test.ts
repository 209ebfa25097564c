import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { linkOf } from '../../../src/proxy/downstream/link.ts';
import { listening } from '../../support/listening.ts';

/** A server's socket, and its client, which does not read yet. */
async function unread(): Promise<{ socket: Socket; client: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  const accepted = once(server, 'connection');
  const client = connect(await listening(server), '127.0.0.1').pause();
  const [socket] = (await accepted) as [Socket];
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  return { socket, client };
}

describe('a connection that is cut off', () => {
  it('is closed where its end is under way', async () => {
    const { socket } = await unread();
    const errors: Error[] = [];
    socket.on('error', (error) => errors.push(error));
    const closed = once(socket, 'close');
    socket.end();
    linkOf(socket).resetAndDestroy();
    await closed;
    expect(errors).toEqual([]);
  });

  it('is reset where no end was said', async () => {
    const { socket, client } = await unread();
    const failed = once(client, 'error');
    linkOf(socket).resetAndDestroy();
    client.resume();
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
  });
});
