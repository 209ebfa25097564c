// The files that `[placement.file]` names: the one file, or those of a folder, each with a mark that changes when it does.

import { constants } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { type InstanceList, LIST_BYTES_MAX, type ListFormat, readInstanceList } from '../../../config/instance-list.ts';
import { type Problem, unreadable } from '../../../errors.ts';

export interface ListFile {
  readonly path: string;
  readonly name: string;
  readonly format: ListFormat;
  /** Another one after each change. */
  readonly version: string;
}

export interface ListFolder {
  /** The folder to watch: a file that is replaced is another file of the same name in it. */
  readonly folder: string;
  /** Another one when the folder itself was replaced. */
  readonly version: string;
  /** The one name in it that matters; null: all do. */
  readonly only: string | null;
  readonly files: readonly ListFile[];
}

/** Files of a folder that are read. */
const FILES_MAX = 256;

/** @throws Error with a `code` where the path cannot be looked at, RangeError where it names too many files */
export async function findLists(path: string): Promise<ListFolder> {
  const { ino, isFolder } = await look(path);
  if (!isFolder) {
    const folder = dirname(path);
    const file = await listFile(folder, basename(path));
    if (file === null) throw new RangeError(`${path}: expected a name that ends in .toml or .json`);
    return { folder, version: (await look(folder)).ino, only: basename(path), files: [file] };
  }
  const names = (await readdir(path)).filter((name) => formatOf(name) !== null && !name.startsWith('.')).sort();
  if (names.length > FILES_MAX) throw new RangeError(`${path}: ${names.length} files, more than ${FILES_MAX}`);
  const files = await Promise.all(names.map((name) => listFile(path, name).catch(() => null)));
  return { folder: path, version: ino, only: null, files: files.filter((file) => file !== null) };
}

/** What a file says. */
export interface ReadList extends InstanceList {
  /** It could not be read, for now: no change of the file need come before it can. */
  readonly unread?: true;
}

/** Null where it changed meanwhile, and is to be read again. */
export async function readListFile({ path, name, format }: ListFile): Promise<ReadList | null> {
  let handle: FileHandle | null = null;
  try {
    // A pipe without a writer would be waited for.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const before = await handle.stat({ bigint: true });
    if (!before.isFile()) throw Object.assign(new Error(), { code: 'not a file' });
    const bytes = Buffer.allocUnsafe(LIST_BYTES_MAX[format] + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = (await handle.read(bytes, length, bytes.length - length, length)).bytesRead;
    }
    const after = await handle.stat({ bigint: true });
    if (before.mtimeNs !== after.mtimeNs || before.size !== after.size) return null;
    return readInstanceList(name, format, bytes.subarray(0, length));
  } catch (error) {
    const problem = { file: name, line: 0, column: 0, path: '', message: unreadable(path, error) };
    return { instances: [], problems: [problem], unread: true };
  } finally {
    await handle?.close();
  }
}

/** What the files say now, and everything that is wrong with them. `named`: where `path` stands. */
export async function checkLists(path: string, named: Pick<Problem, 'file' | 'path'>): Promise<InstanceList> {
  const found = await findLists(path).catch((error: unknown) => {
    const message = error instanceof RangeError ? error.message : unreadable(path, error);
    return [{ ...named, line: 0, column: 0, message }];
  });
  if (Array.isArray(found)) return { instances: [], problems: found };
  const lists = await Promise.all(found.files.map(readListFile));
  return {
    instances: lists.flatMap((list) => list?.instances ?? []),
    problems: lists.flatMap((list) => list?.problems ?? []),
  };
}

async function listFile(folder: string, name: string): Promise<ListFile | null> {
  const format = formatOf(name);
  if (format === null) return null;
  const path = join(folder, name);
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  return { path, name, format, version: `${ino} ${size} ${mtimeNs}` };
}

async function look(path: string): Promise<{ readonly ino: string; readonly isFolder: boolean }> {
  const found = await stat(path, { bigint: true });
  return { ino: String(found.ino), isFolder: found.isDirectory() };
}

function formatOf(name: string): ListFormat | null {
  const ending = extname(name);
  return ending === '.toml' || ending === '.json' ? ending : null;
}
