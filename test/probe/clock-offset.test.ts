import { createServer } from 'node:http';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ClockOffset } from '../../src/probe/clock-offset.ts';
import { ping } from '../../src/probe/measure.ts';
import { listening } from '../support/listening.ts';

it('a clock agrees by the median of its last answers, no matter what a single one says', () => {
  const changes: boolean[] = [];
  const offset = new ClockOffset((agrees) => changes.push(agrees));
  for (const aheadMs of [40, 1, 2, -3, 900]) offset.add(aheadMs);
  expect(changes).toEqual([true]);
  for (const aheadMs of [40, 40, 40]) offset.add(aheadMs);
  expect(changes).toEqual([true, false]);
});

it('a clock that is another one agrees no more, and late answers of the first change nothing', () => {
  const changes: boolean[] = [];
  const offset = new ClockOffset((agrees) => changes.push(agrees));
  offset.add(1);
  offset.end();
  for (const aheadMs of [1, 1, 1]) offset.add(aheadMs);
  expect(changes).toEqual([true, false]);
});

it('a ping shows by how much the other clock is ahead', async () => {
  const server = createServer((_, response) => {
    response.writeHead(204, { 'X-QEdge-Time': String(Date.now() + 60_000) });
    response.end();
  });
  onTestFinished(() => void server.close());
  const port = await listening(server);
  let aheadMs = Number.NaN;
  // The clock was set after the start of this process.
  const unset = Date.now;
  vi.spyOn(Date, 'now').mockImplementation(() => unset() + 3_600_000);
  onTestFinished(() => void vi.restoreAllMocks());
  const clock = { nowMs: () => performance.now() };
  const onClock = (ms: number): void => {
    aheadMs = ms;
  };
  await ping({ host: '127.0.0.1', port }, false, { clock, timeoutMs: 5000, onClock });
  expect(Math.abs(aheadMs - 60_000)).toBeLessThan(5000);
});
