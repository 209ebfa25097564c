import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { sliceReads } from '../../../../src/proxy/downstream/http1/sliced-reads.ts';
import { listening } from '../../../support/listening.ts';

it('reads that are slow to take arrive whole and in order, with turns for others in between', async () => {
  const server = createServer();
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect(await listening(server), '127.0.0.1');
  const [socket] = await accepted;
  onTestFinished(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  const first = randomBytes(40_000);
  const rest = randomBytes(200_000);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    const endMs = performance.now() + 1;
    while (performance.now() < endMs);
  });
  let turns = 0;
  const count = (): void => {
    turns++;
    if (!socket.readableEnded) setImmediate(count);
  };
  setImmediate(count);
  sliceReads(socket, first);
  client.end(rest);
  await once(socket, 'end');
  expect(Buffer.concat(chunks).equals(Buffer.concat([first, rest]))).toBe(true);
  expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThanOrEqual(4096);
  // 60 ms of work, some 5 ms a turn.
  expect(turns).toBeGreaterThan(6);
});
