import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ping } from '../../src/probe/measure.ts';
import { startRawInstance } from '../support/proxy.ts';

describe('a ping', () => {
  const clock = { nowMs: () => performance.now() };

  /** What a ping of a node fails with that says so without end; resolves once the node has lost its connection. */
  async function failureOf(head: string, piece: string): Promise<string> {
    const { promise: left, resolve } = Promise.withResolvers<void>();
    const pourOut = (socket: Socket): void => {
      if (socket.write(piece)) setImmediate(pourOut, socket);
      else socket.once('drain', () => pourOut(socket));
    };
    const port = await startRawInstance((socket) => {
      socket.on('error', () => {});
      socket.once('close', resolve);
      socket.once('data', () => {
        socket.write(head);
        pourOut(socket);
      });
    });
    // None of the limits of time is reached.
    const failure = ping({ host: '127.0.0.1', port }, false, { clock, timeoutMs: 2 ** 31 - 1 }).catch(String);
    await left;
    return String(await failure);
  }

  it('ends with the first answer of 1xx', async () => {
    expect(await failureOf('', 'HTTP/1.1 103 Early Hints\r\n\r\n')).toContain('answered 103');
  });

  it('does not read the body of what is no qedge', async () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(await failureOf(head, '1\r\nx\r\n')).toContain('answered 200');
  });
});
