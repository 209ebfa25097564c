import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { borrowReads } from '../../src/net/borrowed-reads.ts';
import { listening } from '../support/listening.ts';
import { PATIENCE } from '../support/patience.ts';

/** A client, and the socket that its server accepted. */
async function startPair(): Promise<{ readonly client: Socket; readonly accepted: Socket }> {
  const server = createServer();
  onTestFinished(() => void server.close());
  const client = connect(await listening(server), '127.0.0.1');
  onTestFinished(() => void client.destroy());
  const [accepted] = (await once(server, 'connection')) as [Socket];
  accepted.resume();
  return { client, accepted };
}

describe('an accepted socket', () => {
  it('reads into the one buffer on this Node', async () => {
    const { client, accepted } = await startPair();
    const seen: Buffer[] = [];
    const texts: string[] = [];
    const stop = borrowReads(accepted, (bytes) => {
      seen.push(bytes);
      texts.push(bytes.toString());
    });
    expect(stop).not.toBeNull();
    client.write('one');
    await expect.poll(() => texts.length, PATIENCE).toBe(1);
    client.write('two');
    await expect.poll(() => texts.length, PATIENCE).toBe(2);
    expect(texts).toEqual(['one', 'two']);
    expect(seen[0]?.buffer).toBe(seen[1]?.buffer);
  });

  it('is read as a stream again when that is over, with pieces of its own', async () => {
    const { client, accepted } = await startPair();
    const pieces: Buffer[] = [];
    accepted.on('data', (piece: Buffer) => pieces.push(piece));
    let borrowed = '';
    const stop = borrowReads(accepted, (bytes) => {
      borrowed += bytes.toString();
      stop?.();
    });
    client.write('one');
    await expect.poll(() => borrowed, PATIENCE).toBe('one');
    client.write('two');
    await expect.poll(() => pieces.length, PATIENCE).toBe(1);
    accepted.pause();
    client.end('three');
    accepted.resume();
    await once(accepted, 'end');
    expect(Buffer.concat(pieces).toString()).toBe('twothree');
  });

  it('brings nothing while it is paused', async () => {
    const { client, accepted } = await startPair();
    let bytes = 0;
    borrowReads(accepted, (piece) => {
      bytes += piece.length;
      accepted.pause();
    });
    const all = Buffer.alloc(1_000_000);
    client.end(all);
    await expect.poll(() => bytes, PATIENCE).toBeGreaterThan(0);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(bytes).toBeLessThanOrEqual(64 * 1024);
    accepted.on('pause', () => accepted.resume());
    accepted.resume();
    await once(accepted, 'end');
    expect(bytes).toBe(all.length);
  });
});
