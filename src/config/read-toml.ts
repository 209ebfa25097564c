// A TOML file on disk → a document with the place of each value, for a schema to check (validate.ts).

import { basename } from 'node:path';
import { ConfigError, type Problem, unreadable } from '../errors.ts';
import { readNamedFile } from '../readable-file.ts';
import { interpolateFrom, type References } from './interpolate.ts';
import { parseToml, type TomlDocument } from './toml.ts';
import { decodeUtf8 } from './utf8.ts';

/** How references in its strings are read. */
export type ReadOptions = References;

/**
 * Reads a file. `problems` holds what interpolation found; the caller adds its own, and asks for unknown keys to be errors by
 * `z.strictObject`.
 *
 * @throws ConfigError when there is no file or it is not TOML
 */
export function openToml(file: string, options: ReadOptions): { document: TomlDocument; problems: Problem[] } {
  // A directory at the top, and a name that is empty, have no last part.
  const name = basename(file) || file || '""';
  const text = readText(file, name);
  const { document, problems } = parseToml(name, text, interpolateFrom(options));
  if (document === null) throw new ConfigError(problems);
  return { document, problems: [...problems] };
}

/** In the order of the file, as a person mends it. */
export function sortByPlace(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

function readText(file: string, name: string): string {
  try {
    return decodeUtf8(readNamedFile(file));
  } catch (error) {
    throw new ConfigError([{ file: name, line: 0, column: 0, path: '', message: unreadable(file, error) }]);
  }
}
