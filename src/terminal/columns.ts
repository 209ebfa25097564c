// Aligned columns that fit the terminal. Where they do not, either what matters least is left out, or the table goes on
// below with its first column again; a line is never wrapped.

import type { Paint, Tone } from './paint.ts';

/** One cell of a table, one line of text. */
export interface Cell {
  readonly text: string;
  readonly tone: Tone;
}

/** A column with its cells from top to bottom. The least important one leaves first where it is narrow. */
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
    indent + kept.map((column, i) => pad(cellOf(column), column, { width: widths[i] ?? 0, paint })).join(GAP);
  const header = line(({ header: text }) => ({ text, tone: 'dim' }));
  const body = Array.from({ length: rows }, (_, row) => line(({ cells }) => cells[row] ?? { text: '', tone: 'plain' }));
  return [header, ...body].map((text) => text.trimEnd());
}

/**
 * Parts of one wide table, each within `width`: the first column leads every part, the others follow in their order.
 * A column too wide for any part gets one of its own.
 */
export function foldColumns<Column>(
  columns: readonly Column[],
  { width, widthOf }: { readonly width: number; readonly widthOf: (column: Column) => number },
): readonly (readonly Column[])[] {
  const [lead, ...others] = columns;
  if (lead === undefined) return [];
  const parts: Column[][] = [];
  let left = -1;
  for (const column of others) {
    const needed = GAP.length + widthOf(column);
    if (needed > left) {
      parts.push([lead]);
      left = width - widthOf(lead);
    }
    parts.at(-1)?.push(column);
    left -= needed;
  }
  return parts.length === 0 ? [[lead]] : parts;
}

/** The whole table, gone on with below where it is wider than the terminal. */
export function renderFolded(columns: readonly Column[], options: TableOptions): readonly string[] {
  const parts = foldColumns(columns, { width: options.width - options.indent.length, widthOf });
  return parts.flatMap((part, i) => [...(i > 0 ? [''] : []), ...renderColumns(part, options)]);
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
function pad({ text, tone }: Cell, { align }: Column, { width, paint }: Omit<TableOptions, 'indent'>): string {
  const space = ' '.repeat(width - text.length);
  return align === 'right' ? space + paint(tone, text) : paint(tone, text) + space;
}
