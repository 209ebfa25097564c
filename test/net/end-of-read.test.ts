import { expect, it } from 'vitest';
import { atEndOfRead, beginRead, endRead, type Waiting } from '../../src/net/end-of-read.ts';

function waitingIn(calls: string[], name: string): Waiting {
  return { endOfRead: () => void calls.push(name) };
}

it('what waits is called once the read is over, and what comes second in the tick behind', async () => {
  const calls: string[] = [];
  beginRead();
  atEndOfRead(waitingIn(calls, 'first'));
  atEndOfRead(waitingIn(calls, 'second'));
  expect(calls).toEqual([]);
  endRead();
  expect(calls).toEqual(['first']);
  await Promise.resolve().then(() => new Promise((resolve) => process.nextTick(resolve)));
  expect(calls).toEqual(['first', 'second']);
});

it('what waits outside of a read is called in the tick behind, and by no later read', async () => {
  const calls: string[] = [];
  atEndOfRead(waitingIn(calls, 'outside'));
  beginRead();
  endRead();
  expect(calls).toEqual([]);
  await new Promise((resolve) => process.nextTick(resolve));
  expect(calls).toEqual(['outside']);
});
