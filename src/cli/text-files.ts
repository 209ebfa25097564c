// Text files that commands read and write for a person.

import { accessSync, constants, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
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
    throw cannotWrite(directory, error);
  }
  process.stderr.write(`wrote ${files.map(({ name }) => join(directory, name)).join(', ')}\n`);
}

/** Makes the directory where it is missing: before what takes long, so that an hour's work is not lost. Throws `CommandError`. */
export function makeReady(directory: string): void {
  try {
    makeFolder(directory);
    accessSync(directory, constants.W_OK);
  } catch (error) {
    throw cannotWrite(directory, error);
  }
}

const WHY_NOT: Readonly<Record<string, string>> = {
  EACCES: 'not allowed',
  EPERM: 'not allowed',
  EROFS: 'its file system is read-only',
  EISDIR: 'is a directory',
  EEXIST: 'is a file already',
  ENOTDIR: 'a part of it is a file',
  ENOSPC: 'no space left',
};

/** What is said of a file or a directory that could not be written. */
export function cannotWrite(path: string, error: unknown): CommandError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const why = code === 'ENOENT' ? `no such directory: ${dirname(resolve(path))}` : (WHY_NOT[code] ?? message);
  return new CommandError(`cannot write to ${path}: ${why}`, 1, error);
}
