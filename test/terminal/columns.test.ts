import { describe, expect, it } from 'vitest';
import { type Column, foldColumns, renderColumns, renderFolded } from '../../src/terminal/columns.ts';
import { plainPaint } from '../../src/terminal/paint.ts';

function column(header: string, text: string, importance: number): Column {
  return { header, align: importance === 9 ? 'left' : 'right', importance, cells: [{ text, tone: 'plain' }] };
}

const COLUMNS = [
  column('instance', 'pi-8/a', 9),
  column('weight', '70.0 %', 5),
  column('note', 'x', 1),
  column('distance', '9 ms', 3),
];

describe('a table', () => {
  it('leaves out what matters least where it is too wide', () => {
    const lines = renderColumns(COLUMNS, { width: 28, indent: '  ', paint: plainPaint });
    expect(lines).toEqual(['  instance  weight  distance', '  pi-8/a    70.0 %      9 ms']);
  });

  it('goes on below with its first column where nothing may be left out', () => {
    const lines = renderFolded(COLUMNS, { width: 24, indent: '', paint: plainPaint });
    expect(lines).toEqual([
      'instance  weight  note',
      'pi-8/a    70.0 %     x',
      '',
      'instance  distance',
      'pi-8/a        9 ms',
    ]);
  });

  it('gives a column that fits nowhere a part of its own', () => {
    const widths = [4, 90, 2, 3];
    const parts = foldColumns([0, 1, 2, 3], { width: 20, widthOf: (i) => widths[i] ?? 0 });
    expect(parts).toEqual([
      [0, 1],
      [0, 2, 3],
    ]);
  });
});
