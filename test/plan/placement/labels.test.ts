import { expect, it } from 'vitest';
import { labelsOf, type Mark } from '../../../src/plan/placement/labels.ts';

const mark = (x: number, y: number, important = false): Mark => ({ x, y, size: 5, name: 'strasbourg', important });

it('a name stands right of its mark, or where it lies over no other', () => {
  const anchors = labelsOf([mark(100, 100), mark(120, 100), mark(100, 200)]).map((label) => label?.anchor);
  expect(anchors).toEqual(['end', 'start', 'start']);
});

it('a name without room is left out, unless it is that of an instance', () => {
  const crowd = Array.from({ length: 9 }, (_, i) => mark(100 + 4 * i, 100));
  const named = labelsOf([...crowd, mark(116, 100, true)]).map((label) => label !== null);
  expect(named.at(-1)).toBe(true);
  expect(named.filter((has) => !has).length).toBeGreaterThan(3);
});
