import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Inbox, type InboxMessage } from '../../../src/placement/broker/inbox.ts';

const message = (n: number): InboxMessage => ({ topic: String(n), payload: Buffer.alloc(0), retained: true });
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

const unexpected = (topic: string, error: unknown): never => {
  throw new Error(`message ${topic} failed`, { cause: error });
};

describe('messages that wait to be handled', () => {
  it('leave turns to others: no slice has more than fit into 10 ms and the last of them', async () => {
    const slices: number[] = [];
    let inTurn = 0;
    const inbox = new Inbox(() => {
      inTurn++;
      const endMs = performance.now() + 4;
      while (performance.now() < endMs);
    }, unexpected);
    for (const n of numbers(12)) inbox.put(message(n));
    while (slices.reduce((sum, count) => sum + count, 0) < 12) {
      await turn();
      slices.push(inTurn);
      inTurn = 0;
    }
    expect(Math.max(...slices)).toBeLessThanOrEqual(3);
  });

  it('come for 10 ms of a turn: the next is read in a turn to come', async () => {
    const inbox = new Inbox(() => {}, unexpected);
    let put = 0;
    const read = (): void => {
      const endMs = performance.now() + 4;
      while (performance.now() < endMs);
      inbox.put(message(put++));
      if (put < 24) inbox.whenRoom(read);
    };
    read();
    let most = put;
    for (let before = put; put < 24; before = put) {
      await turn();
      most = Math.max(most, put - before);
    }
    // Three fit into 10 ms, which begin when the first has come.
    expect(most).toBeLessThanOrEqual(4);
  });

  it('are handled in their order, with what is to come behind them', async () => {
    const seen: string[] = [];
    const inbox = new Inbox(({ topic }) => seen.push(topic), unexpected);
    for (const n of numbers(10_000)) inbox.put(message(n));
    inbox.behind(() => seen.push('end'));
    while (seen.length <= 10_000) await turn();
    expect(seen).toEqual([...numbers(10_000).map(String), 'end']);
  });

  it('end alone where one of them cannot be handled', async () => {
    const seen: string[] = [];
    const failed: string[] = [];
    const inbox = new Inbox(
      ({ topic }) => {
        if (topic === '1') throw new Error('unforeseen');
        seen.push(topic);
      },
      (topic, error) => failed.push(`${topic}: ${(error as Error).message}`),
    );
    for (const n of numbers(3)) inbox.put(message(n));
    while (seen.length < 2) await turn();
    expect(seen).toEqual(['0', '2']);
    expect(failed).toEqual(['1: unforeseen']);
  });

  it('are bounded: beyond 1 MiB the next has to wait for room', async () => {
    let handled = 0;
    const inbox = new Inbox(() => handled++, unexpected);
    const large = { ...message(0), payload: Buffer.alloc(128 * 1024) };
    let room = true;
    let put = 0;
    while (room && put < 1000) {
      inbox.put(large);
      put++;
      room = false;
      inbox.whenRoom(() => {
        room = true;
      });
    }
    expect(put).toBeLessThanOrEqual(8);
    while (!room) await turn();
    expect(handled).toBeGreaterThan(0);
  });
});
