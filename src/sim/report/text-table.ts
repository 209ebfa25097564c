// Result tables for a terminal: plain text, columns aligned, the first to the left and the figures to the right.

import { foldColumns } from '../../terminal/columns.ts';
import { wrapWords } from '../../terminal/wrap.ts';
import type { RunResult } from '../experiment.ts';
import type { Scenario } from '../scenario.ts';
import { aggregate } from './aggregate.ts';
import { type Column, DISTURBANCE_COLUMNS, disturbancesOfAll, resultColumns } from './columns.ts';
import { factsOf } from './facts.ts';

/** The results of an experiment for a terminal. `width`: characters a line may have; a wider table goes on below. */
export function resultTable(scenario: Scenario, results: readonly RunResult[], width: number): string {
  const rows = aggregate(results);
  const tables = [titleOf(scenario, results, width), ...textTables(resultColumns(rows), rows, width)];
  const disturbances = disturbancesOfAll(rows);
  if (disturbances.length > 0) tables.push(...textTables(DISTURBANCE_COLUMNS, disturbances, width));
  return tables.join('\n\n');
}

function titleOf(scenario: Scenario, results: readonly RunResult[], width: number): string {
  const { name, description } = scenario;
  const paragraphs = [description === '' ? name : `${name}: ${description}`, factsOf(scenario, results)];
  return paragraphs.flatMap((text) => wrapWords(text.split(' '), { width, first: '', hanging: '' })).join('\n');
}

interface Printed {
  readonly cells: readonly string[];
  readonly width: number;
  readonly align: 'left' | 'right';
}

function textTables<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): string[] {
  const printed = columns.map((column, i) => print(column, rows, i === 0));
  return foldColumns(printed, { width, widthOf: (column) => column.width }).map(textTable);
}

/** Words stand to the left; figures, and the titles above them, to the right. */
function print<Row>({ title, text }: Column<Row>, rows: readonly Row[], leads: boolean): Printed {
  const cells = [title, ...rows.map(text)];
  const align = leads || (rows.length > 0 && !/^[\d–-]/.test(cells[1] ?? '')) ? 'left' : 'right';
  return { cells, width: Math.max(...cells.map(({ length }) => length)), align };
}

function textTable(columns: readonly Printed[]): string {
  const line = (row: number): string =>
    columns
      .map(({ cells, width, align }) =>
        align === 'left' ? (cells[row] ?? '').padEnd(width) : (cells[row] ?? '').padStart(width),
      )
      .join('  ')
      .trimEnd();
  const rule = columns.map(({ width }) => '─'.repeat(width)).join('  ');
  const body = (columns[0]?.cells ?? []).slice(1).map((_, i) => line(i + 1));
  return [line(0), rule, ...body].join('\n');
}
