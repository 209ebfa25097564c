import { expect, it } from 'vitest';
import { WallTime } from '../../src/telemetry/wall-time.ts';

it('a moment is the same wall time until the clock is set, and then the one that it really was', () => {
  let wallNowMs = Date.UTC(1970, 0, 1);
  const wallTime = new WallTime({ stepMs: 1000, wallNowMs: () => wallNowMs });
  expect(wallTime.at(2_000, 5_000)).toBe(wallNowMs - 3_000);
  wallNowMs += 10_400;
  expect(wallTime.at(2_000, 15_000)).toBe(Date.UTC(1970, 0, 1) - 3_000);
  wallNowMs = Date.UTC(2026, 10, 28);
  expect(wallTime.at(2_000, 15_000)).toBe(wallNowMs - 13_000);
});
