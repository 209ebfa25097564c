import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { oneAtATime } from '../../src/net/one-at-a-time.ts';

it('work is not begun again while it is under way', async () => {
  let begun = 0;
  const begin = oneAtATime(
    async () => {
      begun++;
      await turn();
    },
    () => {},
  );
  begin();
  begin();
  expect(begun).toBe(1);
  await turn();
  await turn();
  begin();
  expect(begun).toBe(2);
});

it('work that throws is begun again, and its failure is passed on', async () => {
  const failures: unknown[] = [];
  const begin = oneAtATime(
    () => {
      throw new Error('no state');
    },
    (error) => failures.push(error),
  );
  begin();
  await turn();
  begin();
  await turn();
  expect(failures.map(String)).toEqual(['Error: no state', 'Error: no state']);
});
