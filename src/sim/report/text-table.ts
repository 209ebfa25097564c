// Result tables for a terminal: plain text, columns aligned, the first to the left and the figures to the right.

import type { RunResult } from '../experiment.ts';
import { aggregate } from './aggregate.ts';
import { type Column, DISTURBANCE_COLUMNS, disturbancesOfAll, RESULT_COLUMNS } from './columns.ts';

export function resultTable(results: readonly RunResult[]): string {
  const rows = aggregate(results);
  const tables = [textTable(RESULT_COLUMNS, rows)];
  const disturbances = disturbancesOfAll(rows);
  if (disturbances.length > 0) tables.push(textTable(DISTURBANCE_COLUMNS, disturbances));
  return tables.join('\n\n');
}

export function textTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ text }) => text(row)))];
  const widths = columns.map((_, c) => Math.max(...cells.map((line) => (line[c] ?? '').length)));
  // Words stand to the left; figures, and the titles above them, to the right.
  const left = columns.map((_, c) => rows.length > 0 && !/^[\d–-]/.test(cells[1]?.[c] ?? ''));
  const lines = cells.map((line) =>
    line
      .map((cell, c) => (left[c] ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}
