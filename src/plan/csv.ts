// A CSV file as rows with their lines: comments by `#`, quotes, empty lines left out.

import { CsvError, parse } from 'csv-parse/sync';
import { ConfigError } from '../errors.ts';

/** One line of the file. */
export interface CsvRow {
  readonly cells: readonly string[];
  /** 1-based. */
  readonly line: number;
}

/** @param file its name, for problems @throws ConfigError where the quotes do not match: what comes after cannot be trusted */
export function csvRows(file: string, text: string): CsvRow[] {
  try {
    const rows = parse(text, {
      comment: '#',
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
      bom: true,
    }) as unknown as readonly { readonly record: readonly string[]; readonly info: { readonly lines: number } }[];
    return rows.map(({ record, info }) => ({ cells: record, line: info.lines }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = Number(error.lines ?? 0);
    throw new ConfigError([{ file, line, column: 1, path: '', message: `not valid CSV: ${error.message}` }]);
  }
}
