import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { inTurn, LoopShare, spendTurn, takesTurn, turnNumber } from '../../src/net/loop-share.ts';

/** Has `parts` to do, each of which is said to take 0.5 ms. */
function work(parts: number): { readonly share: LoopShare; readonly left: () => number; readonly served: number[] } {
  let left = parts;
  const served: number[] = [];
  const share = new LoopShare(() => {
    const before = left;
    while (left > 0 && !share.usedUp) {
      left--;
      share.use(0.5);
    }
    served.push(before - left);
    if (left > 0) share.wait();
  });
  return { share, left: () => left, served };
}

async function until(done: () => boolean): Promise<number> {
  let turns = 0;
  for (; !done(); turns++) await turn();
  return turns;
}

function busy(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

describe('a share of the event loop', () => {
  it('is used up in a turn by a millisecond of its source, and is whole again in the next', async () => {
    const { share } = work(0);
    expect(share.usedUp).toBe(false);
    share.use(1);
    expect(share.usedUp).toBe(true);
    await until(() => !share.usedUp);
  });

  it('is used up in a turn by what all sources use together', async () => {
    const shares = Array.from({ length: 6 }, () => work(0).share);
    for (const share of shares.slice(1)) share.use(1);
    expect(shares[0]?.usedUp).toBe(true);
    await until(() => shares[0]?.usedUp === false);
  });

  it('is refused to a source without one for as long as the turn is used up', async () => {
    let taken = 0;
    while (taken < 100 && takesTurn(0.5)) taken++;
    expect(taken).toBeLessThanOrEqual(10);
    await until(() => takesTurn(0.5));
  });

  it('is served in a later turn where one before it throws', async () => {
    const listeners = process.listeners('uncaughtException');
    for (const listener of listeners) process.off('uncaughtException', listener);
    const thrown: unknown[] = [];
    process.once('uncaughtException', (error) => thrown.push(error));
    new LoopShare(() => {
      throw new Error('of ours');
    }).wait();
    const { share, left } = work(1);
    share.wait();
    await until(() => left() === 0);
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(thrown).toMatchObject([{ message: 'of ours' }]);
  });

  it('has room for one action a turn where each is said to cost a whole turn', async () => {
    let done = 0;
    for (let i = 0; i < 20; i++) inTurn(10, () => done++);
    for (let last = 0; last < 20; last = done) {
      await turn();
      expect(done - last).toBeLessThanOrEqual(2);
    }
  });

  it('lets what waits go on a little in each turn', async () => {
    const { share, left, served } = work(20);
    share.wait();
    const turns = await until(() => left() === 0);
    expect(Math.max(...served)).toBe(2);
    expect(turns).toBeGreaterThanOrEqual(10);
  });

  it('lets the source that used least go on first', async () => {
    const floods = Array.from({ length: 50 }, () => work(100));
    for (const { share } of floods) share.wait();
    await until(() => floods.every(({ served }) => served.length > 0));
    const small = work(2);
    small.share.wait();
    const before = floods.map(({ served }) => served.length);
    await until(() => small.left() === 0);
    const meanwhile = floods.filter(({ served }, i) => served.length > (before[i] ?? 0)).length;
    expect(meanwhile).toBeLessThanOrEqual(10);
    await until(() => floods.every(({ left }) => left() === 0));
  });
});

describe('a turn of the event loop', () => {
  const endsAwaited = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Immediate').length;

  it('is not waited for where the loop was quiet before', async () => {
    await turn();
    await pause(5);
    const before = turnNumber();
    expect(takesTurn(0.025)).toBe(true);
    expect(endsAwaited()).toBe(0);
    await pause(5);
    spendTurn(0.025);
    expect(endsAwaited()).toBe(0);
    expect(turnNumber()).toBe(before + 2);
  });

  it('is the same one for what takes long in it', async () => {
    await pause(5);
    expect(takesTurn(0.025)).toBe(true);
    const number = turnNumber();
    busy(2);
    expect(takesTurn(0.025)).toBe(true);
    expect(endsAwaited()).toBe(1);
    expect(turnNumber()).toBe(number);
  });

  it('is waited for with the next that is entered, or with much', async () => {
    await pause(5);
    for (let i = 0; i < 100; i++) spendTurn(0);
    expect(endsAwaited()).toBe(1);
    await turn();
    await pause(5);
    spendTurn(10);
    expect(takesTurn(0)).toBe(false);
    expect(endsAwaited()).toBe(1);
    await until(() => takesTurn(0));
  });
});
