// A look at the first 100 bytes before SQLite gets the file: what is not ours must not be changed by so much as a byte.

import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** Marks the file as ours ("qedg"); see https://www.sqlite.org/fileformat2.html, "Application ID". */
export const APPLICATION_ID = 0x71656467;

const HEADER_BYTES = 100;
const MAGIC = 'SQLite format 3\u0000';

/** Offsets of https://www.sqlite.org/fileformat2.html, "The Database Header". */
const PAGES_OFFSET = 28;
const APPLICATION_ID_OFFSET = 68;

/**
 * Says why the file is not one of ours; null when it is, when it is empty, or when there is none. Call it before the
 * process opens the file as a database: closing any descriptor of it would drop the process's locks (fcntl(2)).
 */
export function inspectHeader(path: string, applicationId: number): { readonly foreign: string | null } {
  const header = Buffer.alloc(HEADER_BYTES);
  let fd: number;
  try {
    // A FIFO would be waited for, for ever.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { foreign: null };
    throw error;
  }
  try {
    if (!fstatSync(fd).isFile()) throw new Error(`${path} is no regular file`);
    const length = readSync(fd, header, 0, HEADER_BYTES, 0);
    return { foreign: length === 0 ? null : reasonOf(header.subarray(0, length), applicationId) };
  } finally {
    closeSync(fd);
  }
}

/** What SQLite opens beside the file; it waits for a FIFO, and reads a device to its end. @throws Error */
export function assertRegularBeside(path: string): void {
  for (const suffix of ['-wal', '-journal', '-shm']) {
    const file = statSync(path + suffix, { throwIfNoEntry: false });
    if (file !== undefined && !file.isFile()) throw new Error(`${path}${suffix} is no regular file`);
  }
}

function reasonOf(header: Buffer, applicationId: number): string | null {
  if (header.length < HEADER_BYTES || header.toString('latin1', 0, MAGIC.length) !== MAGIC)
    return 'not a SQLite database';
  const id = header.readUInt32BE(APPLICATION_ID_OFFSET);
  if (id === applicationId) return null;
  // Killed while it was made, ours is a single page that bears no mark yet.
  const unfinished = id === 0 && header.readUInt32BE(PAGES_OFFSET) <= 1;
  return unfinished ? null : 'the database of another program';
}
