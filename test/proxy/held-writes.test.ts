import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { spendTurn } from '../../src/net/loop-share.ts';
import { holdWrites } from '../../src/proxy/held-writes.ts';
import { listening } from '../support/listening.ts';
import { PATIENCE } from '../support/patience.ts';

interface Pair {
  readonly socket: Socket;
  /** What its peer has read. */
  readonly peer: { text: string; ended: boolean };
}

async function startPairs(count: number): Promise<readonly Pair[]> {
  const server = createServer();
  onTestFinished(() => void server.close());
  const port = await listening(server);
  const pairs: Pair[] = [];
  for (let i = 0; i < count; i++) {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const [accepted] = (await once(server, 'connection')) as [Socket];
    onTestFinished(() => void accepted.destroy());
    const peer = { text: '', ended: false };
    accepted.on('data', (piece: Buffer) => {
      peer.text += piece.toString();
    });
    accepted.on('end', () => {
      peer.ended = true;
    });
    if (socket.connecting) await once(socket, 'connect');
    pairs.push({ socket, peer });
  }
  return pairs;
}

/** As in a turn that brought a request for each. */
function write(pairs: readonly Pair[], text: string): void {
  spendTurn(0);
  for (const { socket } of pairs) {
    holdWrites(socket);
    socket.write(text);
  }
}

/** How many sockets have something that waits to be written. */
function waiting(pairs: readonly Pair[]): number {
  return pairs.filter(({ socket }) => socket.writableLength > 0).length;
}

/** Two quiet turns, so that none before counts. */
async function rest(): Promise<void> {
  for (let i = 0; i < 2; i++) {
    write([], '');
    await turn();
  }
}

describe('writes', () => {
  it('leave at once where the turn before had few of them', async () => {
    const pairs = await startPairs(2);
    await rest();
    for (let i = 0; i < 3; i++) {
      write(pairs, 'x');
      expect(waiting(pairs)).toBe(0);
      await turn();
    }
    await expect.poll(() => pairs.map(({ peer }) => peer.text), PATIENCE).toEqual(['xxx', 'xxx']);
  });

  it('leave at the end of the turn where there are many, each once and in order', async () => {
    const pairs = await startPairs(4);
    await rest();
    write(pairs, '1');
    expect(waiting(pairs)).toBe(0);
    await turn();
    write(pairs, '2');
    write(pairs, '3');
    expect(waiting(pairs)).toBe(4);
    await turn();
    expect(waiting(pairs)).toBe(0);
    pairs[0]?.socket.write('4');
    expect(waiting(pairs)).toBe(0);
    await expect.poll(() => pairs.map(({ peer }) => peer.text), PATIENCE).toEqual(['1234', '123', '123', '123']);
  });

  it('leave before that where the socket is ended, and are dropped where it is destroyed', async () => {
    const pairs = await startPairs(4);
    await rest();
    write(pairs, '1');
    await turn();
    write(pairs, '2');
    pairs[0]?.socket.end();
    pairs[1]?.socket.destroy();
    await turn();
    await expect.poll(() => pairs.map(({ peer }) => peer.text), PATIENCE).toEqual(['12', '1', '12', '12']);
    await expect.poll(() => pairs[0]?.peer.ended, PATIENCE).toBe(true);
  });

  it('are held for no more than 32 sockets', async () => {
    const pairs = await startPairs(40);
    await rest();
    write(pairs, '1');
    await turn();
    write(pairs, '2');
    expect(waiting(pairs)).toBe(8);
    await turn();
    expect(waiting(pairs)).toBe(0);
    await expect.poll(() => pairs.every(({ peer }) => peer.text === '12'), PATIENCE).toBe(true);
  });
});
