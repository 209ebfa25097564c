// Figures out of many runs: the mean over the seeds and the worst of them.

import { type Figure, figureOf } from '../../../src/sim/report/aggregate.ts';
import type { DisturbanceMetrics, RunMetrics } from '../../../src/sim/results/metrics.ts';
import type { Result, Task } from './run.ts';

export type Where = Partial<Pick<Task, 'scenario' | 'model' | 'load' | 'policy'>>;

export class Results {
  readonly #all: readonly Result[];

  constructor(all: readonly Result[]) {
    this.#all = all;
  }

  where(where: Where): readonly Result[] {
    return this.#all.filter((result) =>
      Object.entries(where).every(([key, value]) => result[key as keyof Where] === value),
    );
  }

  /** Null where nothing was run. */
  figure(where: Where, value: (metrics: RunMetrics) => number, worstIs: 'least' | 'greatest' = 'least'): Figure | null {
    const values = this.where(where).map(({ metrics }) => value(metrics));
    return values.length === 0 ? null : figureOf(values, worstIs);
  }

  /** Over all events of each run: the worst of them counts for the run. */
  eventFigure(where: Where, value: (event: DisturbanceMetrics) => number): Figure | null {
    const values = this.where(where).map(({ metrics }) => Math.min(...metrics.disturbances.map(value)));
    return values.length === 0 ? null : figureOf(values, 'least');
  }
}

export function percent(ratio: number, digits = 1): string {
  const text = (100 * ratio).toFixed(digits);
  return ratio < 1 && Number(text) === 100 ? `> ${(100 - 10 ** -digits).toFixed(digits)}` : String(Number(text));
}

/** `99.8 (99.5)`: mean, and the worst seed in brackets where it differs; `–` where nothing was run. */
export function cell(figure: Figure | null, format: (value: number) => string = percent): string {
  if (figure === null) return '–';
  const [mean, worst] = [format(figure.mean), format(figure.worst)];
  return mean === worst ? mean : `${mean} (${worst})`;
}

export const seconds = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? 'never' : `${value.toFixed(0)} s`;

export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
