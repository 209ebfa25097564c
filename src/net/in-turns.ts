// Work of many steps that nothing waits for, in turns of the event loop that have room for it (loop-share.ts).

import { LoopShare } from './loop-share.ts';

/** Each of `items`, made in a turn of the event loop that has room for it. */
export async function* inTurns<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
  const iterator = items[Symbol.iterator]();
  let goOn = (): void => {};
  const share = new LoopShare(() => goOn());
  for (;;) {
    if (share.usedUp) {
      await new Promise<void>((resolve) => {
        goOn = resolve;
        share.wait();
      });
    }
    const startMs = performance.now();
    const { done = false, value } = iterator.next();
    share.use(performance.now() - startMs);
    if (done) return;
    yield value;
  }
}

/** Makes all of `steps` in such turns and ignores what they yield. */
export async function runInTurns(steps: Iterable<unknown>): Promise<void> {
  const turns = inTurns(steps);
  while ((await turns.next()).done !== true);
}
