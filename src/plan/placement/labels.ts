// Where the names on a map stand, so that none lies over another or over a mark: right of it, left, below or above, and else nowhere.

import type { Point } from './outline.ts';

/** A mark on the map and the name beside it. */
export interface Mark extends Point {
  /** Half of its width. */
  readonly size: number;
  readonly name: string;
  /** Has its name in any case, in bold, and before others. */
  readonly important: boolean;
}

export interface Label extends Point {
  readonly anchor: 'start' | 'middle' | 'end';
}

/** At 11 px; wide letters are rarer than narrow ones. */
const LETTER_WIDTH = 6.2;
const LETTER_WIDTH_BOLD = 7;
const LETTER_HEIGHT = 11;
const GAP = 3;

/** A label for each mark in their order; null where its name has no room. */
export function labelsOf(marks: readonly Mark[]): (Label | null)[] {
  const taken: Box[] = marks.map(({ x, y, size }) => ({
    left: x - size,
    right: x + size,
    top: y - size,
    bottom: y + size,
  }));
  const labels: (Label | null)[] = marks.map(() => null);
  const order = [...marks.keys()].sort((a, b) => Number(marks[b]?.important) - Number(marks[a]?.important));
  for (const i of order) {
    const mark = marks[i] as Mark;
    const around = [right, left, below, above].map((place) => place(mark));
    const free = around.find((label) => !taken.some((other) => overlaps(boxOf(label, mark), other)));
    const label = free ?? (mark.important ? around[0] : undefined);
    if (label === undefined) continue;
    labels[i] = label;
    taken.push(boxOf(label, mark));
  }
  return labels;
}

const right = ({ x, y, size }: Mark): Label => ({ x: x + size + GAP, y: y + 4, anchor: 'start' });
const left = ({ x, y, size }: Mark): Label => ({ x: x - size - GAP, y: y + 4, anchor: 'end' });
const below = ({ x, y, size }: Mark): Label => ({ x, y: y + size + LETTER_HEIGHT, anchor: 'middle' });
const above = ({ x, y, size }: Mark): Label => ({ x, y: y - size - GAP, anchor: 'middle' });

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

function boxOf({ x, y, anchor }: Label, { name, important }: Mark): Box {
  const width = name.length * (important ? LETTER_WIDTH_BOLD : LETTER_WIDTH);
  const start = { start: x, middle: x - width / 2, end: x - width }[anchor];
  return { left: start, right: start + width, top: y - LETTER_HEIGHT + 2, bottom: y + 2 };
}

const overlaps = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
