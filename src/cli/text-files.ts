// Text files that commands read and write for a person.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, unreadable } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { readNamedFile } from '../readable-file.ts';

/** The text of a file. Throws `CommandError` where it cannot be read. */
export function textOf(file: string): string {
  try {
    return readNamedFile(file).toString();
  } catch (error) {
    throw new CommandError(unreadable(file, error), 1, error);
  }
}

/** Writes the files into the directory, which is made where it is missing, and says so on standard error. Throws `CommandError`. */
export function writeTexts(
  directory: string,
  files: readonly { readonly name: string; readonly text: string }[],
): void {
  try {
    makeFolder(directory);
    for (const { name, text } of files) writeFileSync(join(directory, name), text);
  } catch (error) {
    throw new CommandError(`cannot write to ${directory}: ${(error as Error).message}`, 1, error);
  }
  process.stderr.write(`wrote ${files.map(({ name }) => join(directory, name)).join(', ')}\n`);
}
