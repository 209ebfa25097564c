// The simplex method against every corner of small programmes.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LinearProgramme, maximise } from '../../../src/sim/oracle/simplex.ts';

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + value * (b[i] as number), 0);

/** Gaussian elimination; null where the equations have no single solution. */
function solve(equations: readonly { row: readonly number[]; value: number }[]): number[] | null {
  const lines = equations.map(({ row, value }) => [...row, value]);
  for (let at = 0; at < lines.length; at++) {
    const pivot = lines.findIndex((line, l) => l >= at && Math.abs(line[at] as number) > 1e-9);
    if (pivot < 0) return null;
    [lines[at], lines[pivot]] = [lines[pivot] as number[], lines[at] as number[]];
    const own = lines[at] as number[];
    const scaled = own.map((value) => value / (own[at] as number));
    lines[at] = scaled;
    for (const [l, line] of lines.entries()) {
      const factor = line[at] as number;
      if (l !== at) lines[l] = line.map((value, c) => value - factor * (scaled[c] as number));
    }
  }
  return lines.map((line) => line.at(-1) as number);
}

/** Every way to choose `size` of the items. */
function choices<T>(items: readonly T[], size: number): T[][] {
  if (size === 0) return [[]];
  return items.flatMap((item, i) => choices(items.slice(i + 1), size - 1).map((rest) => [item, ...rest]));
}

const isFeasible = ({ rows, limits }: LinearProgramme, x: ArrayLike<number>): boolean =>
  Array.from(x).every((value) => value >= -1e-6) && rows.every((row, r) => dot(row, x) <= (limits[r] as number) + 1e-6);

/** The best corner: where as many limits are reached as there are variables. */
function bestCorner(programme: LinearProgramme): number {
  const { gains, rows, limits } = programme;
  const planes = [
    ...rows.map((row, r) => ({ row, value: limits[r] as number })),
    ...gains.map((_, v) => ({ row: gains.map((_, w) => (w === v ? 1 : 0)), value: 0 })),
  ];
  const corners = choices(planes, gains.length).flatMap((chosen) => {
    const x = solve(chosen);
    return x !== null && isFeasible(programme, x) ? [x] : [];
  });
  return Math.max(...corners.map((x) => dot(gains, x)));
}

const entry = fc.integer({ min: -4, max: 6 });
const programmes = fc
  .record({ variables: fc.integer({ min: 1, max: 3 }), constraints: fc.integer({ min: 1, max: 3 }) })
  .chain(({ variables, constraints }) =>
    fc.record({
      gains: fc.array(entry, { minLength: variables, maxLength: variables }),
      rows: fc.array(fc.array(entry, { minLength: variables, maxLength: variables }), {
        minLength: constraints,
        maxLength: constraints,
      }),
      limits: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: constraints, maxLength: constraints }),
    }),
  )
  // A box around all of it, so that there is a best point.
  .map(({ gains, rows, limits }) => ({ gains, rows: [...rows, gains.map(() => 1)], limits: [...limits, 20] }));

describe('the simplex method', () => {
  it('finds the best corner', () => {
    fc.assert(
      fc.property(programmes, (programme) => {
        const x = maximise(programme);
        expect(isFeasible(programme, x)).toBe(true);
        expect(dot(programme.gains, x)).toBeCloseTo(bestCorner(programme), 6);
      }),
    );
  });

  it('ends where many corners are one (Beale 1955)', () => {
    const x = maximise({
      gains: [0.75, -150, 0.02, -6],
      rows: [
        [0.25, -60, -0.04, 9],
        [0.5, -90, -0.02, 3],
        [0, 0, 1, 0],
      ],
      limits: [0, 0, 1],
    });
    expect(dot([0.75, -150, 0.02, -6], x)).toBeCloseTo(0.05, 9);
  });

  it('names a programme that has no bound', () => {
    expect(() => maximise({ gains: [1], rows: [[-1]], limits: [1] })).toThrow('without bound');
  });
});
