import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HandoverChannel } from '../../src/systemd/handover-channel.ts';
import { findPredecessor, Predecessor } from '../../src/systemd/predecessor.ts';
import { listening } from '../support/listening.ts';

/** Both ends of a channel: the predecessor's own, and what its successor sees of it. */
async function pair() {
  const server = createServer();
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const near = connect(await listening(server), '127.0.0.1');
  const [far] = await accepted;
  onTestFinished(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return { old: new HandoverChannel(near), predecessor: new Predecessor(new HandoverChannel(far)) };
}

describe('a predecessor', () => {
  it('is none where no process started this one', () => {
    expect(findPredecessor({})).toBeNull();
  });

  it('gives the turn when it said so, and the charge at its own end', async () => {
    const { old, predecessor } = await pair();
    const turn = predecessor.turn();
    expect(await old.heard('prepared')).toBe(true);
    old.say('go');
    expect(await turn).toBeNull();
    const charged = predecessor.succeed();
    expect(await old.heard('serving')).toBe(true);
    old.say('charge');
    expect(await charged).toBe(true);
    await old.ended;
  });

  it('that is gone before its turn gives none', async () => {
    const { old, predecessor } = await pair();
    const turn = predecessor.turn();
    await old.heard('prepared');
    old.close();
    await expect(turn).rejects.toThrow('the process to succeed is gone');
  });

  it('that dies while it drains leaves no charge behind', async () => {
    const { old, predecessor } = await pair();
    const charged = predecessor.succeed();
    await old.heard('serving');
    old.close();
    expect(await charged).toBe(false);
  });

  it('hears nothing more of a successor that is gone', async () => {
    const { old, predecessor } = await pair();
    const heard = old.heard('prepared');
    predecessor.close();
    expect(await heard).toBe(false);
    expect(await old.heard('serving')).toBe(false);
  });
});
