// Aligned columns that fit the terminal: what matters least is left out first, nothing is ever wrapped.

import type { Paint, Tone } from './paint.ts';

export interface Cell {
  readonly text: string;
  readonly tone: Tone;
}

export interface Column {
  readonly header: string;
  readonly align: 'left' | 'right';
  /** Least important leaves first: the lowest number. */
  readonly importance: number;
  readonly cells: readonly Cell[];
}

export interface TableOptions {
  /** Characters a line may have. */
  readonly width: number;
  readonly indent: string;
  readonly paint: Paint;
}

const GAP = '  ';

/** Header line and one line a row. */
export function renderColumns(columns: readonly Column[], { width, indent, paint }: TableOptions): readonly string[] {
  const kept = fitting(columns, width - indent.length);
  const widths = kept.map(widthOf);
  const rows = Math.max(0, ...kept.map(({ cells }) => cells.length));
  const line = (cellOf: (column: Column) => Cell): string =>
    indent + kept.map((column, i) => pad(cellOf(column), column, widths[i] ?? 0, paint)).join(GAP);
  const header = line(({ header: text }) => ({ text, tone: 'dim' }));
  const body = Array.from({ length: rows }, (_, row) => line(({ cells }) => cells[row] ?? { text: '', tone: 'plain' }));
  return [header, ...body].map((text) => text.trimEnd());
}

/** Cuts a text to `width` characters, with an ellipsis where something is missing. */
export function truncate(text: string, width: number): string {
  if (text.length <= width) return text;
  return width <= 1 ? text.slice(0, Math.max(0, width)) : `${text.slice(0, width - 1)}…`;
}

function fitting(columns: readonly Column[], width: number): readonly Column[] {
  const total = columns.reduce((sum, column) => sum + widthOf(column) + GAP.length, -GAP.length);
  if (total <= width || columns.length <= 1) return columns;
  const least = Math.min(...columns.map(({ importance }) => importance));
  return fitting(
    columns.filter(({ importance }) => importance !== least),
    width,
  );
}

function widthOf({ header, cells }: Column): number {
  return Math.max(header.length, ...cells.map(({ text }) => text.length));
}

/** Padding stays outside the colour, so that it cannot be underlined or counted. */
function pad({ text, tone }: Cell, { align }: Column, width: number, paint: Paint): string {
  const space = ' '.repeat(width - text.length);
  return align === 'right' ? space + paint(tone, text) : paint(tone, text) + space;
}
