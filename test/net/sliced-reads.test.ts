import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { borrowReads } from '../../src/net/borrowed-reads.ts';
import { sliceReads } from '../../src/net/sliced-reads.ts';
import { listening } from '../support/listening.ts';

async function connected(): Promise<{ readonly client: Socket; readonly socket: Socket }> {
  const server = createServer();
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect(await listening(server), '127.0.0.1');
  const [socket] = await accepted;
  onTestFinished(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  return { client, socket };
}

function takeMs(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

it('reads that are slow to take arrive whole and in order, with turns for others in between', async () => {
  const { client, socket } = await connected();
  const first = randomBytes(40_000);
  const rest = randomBytes(200_000);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    takeMs(1);
  });
  let turns = 0;
  const count = (): void => {
    turns++;
    if (!socket.readableEnded) setImmediate(count);
  };
  setImmediate(count);
  sliceReads(socket, [first]);
  client.end(rest);
  await once(socket, 'end');
  expect(Buffer.concat(chunks).equals(Buffer.concat([first, rest]))).toBe(true);
  expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThanOrEqual(2048);
  // 120 ms of work.
  expect(turns).toBeGreaterThan(6);
});

it.each([
  { before: 'as a stream', read: () => {} },
  { before: 'into the shared buffer', read: (socket: Socket) => borrowReads(socket, () => {})?.() },
])('a socket that was read $before is not read while what it brought waits', async ({ read }) => {
  const { client, socket } = await connected();
  read(socket);
  let taken = 0;
  let waitedMax = 0;
  socket.on('data', (chunk: Buffer) => {
    taken += chunk.length;
    waitedMax = Math.max(waitedMax, socket.bytesRead - taken);
    if (taken < 200_000) takeMs(0.5);
  });
  sliceReads(socket, []);
  client.end(randomBytes(2_000_000));
  await once(socket, 'end');
  expect(taken).toBe(2_000_000);
  expect(waitedMax).toBeLessThanOrEqual(200_000);
});
