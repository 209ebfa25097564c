import { expect, it } from 'vitest';
import { ReplacementLimit } from '../../../src/app/workers/replacement-limit.ts';

it('a loss is made up for at once, further ones later and later, and too many in a minute not at all', () => {
  const limit = new ReplacementLimit();
  expect([0, 1, 2, 3, 4].map((ms) => limit.lost(ms))).toEqual([100, 200, 400, 800, 1600]);
  expect(limit.lost(5)).toBeNull();
});

it('losses that are a minute old count no more', () => {
  const limit = new ReplacementLimit();
  for (let i = 0; i < 20; i++) expect(limit.lost(i * 61_000)).toBe(100);
});
