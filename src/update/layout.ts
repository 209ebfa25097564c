// The files of an installed program. They share one directory, so that every move between them is a rename.

import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** The files of an installation, side by side in one directory. */
export interface Layout {
  readonly directory: string;
  /** What the service runs. Whole and working at every moment, even when a step is cut short. */
  readonly executable: string;
  /** The new executable while it is written; never run by the service. */
  readonly incoming: string;
  /** The previous executable, known to work. */
  readonly previous: string;
  /** Present while a new executable is on trial (trial.ts). */
  readonly trial: string;
  /** What was rolled back last, and why. */
  readonly rejected: string;
}

/** The files beside this executable. Reads no file. */
export function layoutOf(executable: string): Layout {
  return {
    directory: dirname(executable),
    executable,
    incoming: `${executable}.incoming`,
    previous: `${executable}.previous`,
    trial: `${executable}.trial`,
    rejected: `${executable}.rejected`,
  };
}

/** Identity of a file without its name: survives renames, differs between copies. Null: there is none. */
export function identityOf(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}

/** Whether two identities are of one file. Both are of one file system, whose number may be another after each boot. */
export function isSameFile(a: string | null, b: string | null): boolean {
  const inode = inodeOf(a);
  return inode !== null && inode === inodeOf(b);
}

const inodeOf = (identity: string | null): string | null => identity?.split(':')[1] ?? null;

/** Writes a small file whole or not at all, power cuts included. */
export function writeDurably(path: string, content: string, mode = 0o644): void {
  const part = `${path}.part`;
  const fd = openSync(part, 'w', mode);
  try {
    // Independent of the umask: the service, which is another user, reads what the start check (`guardStart`) writes under its `UMask=`.
    fchmodSync(fd, mode);
    // All of it: a disk with little room may take a part and report no error.
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(part, path);
  syncDirectory(dirname(path));
}

/** Makes the renames in a directory outlast a power cut. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
