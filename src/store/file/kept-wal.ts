// A close that waits for no disk. SQLite folds the WAL into the file and removes it as it closes, and without fsync a power
// cut in the half minute after that could leave half of the pages. So the WAL is out of the way meanwhile, and stays: the
// next start reads it again, also when the file is damaged.

import { existsSync, renameSync, rmSync } from 'node:fs';

const aside = (path: string): string => `${path}-wal.kept`;

/** Runs `close` so that the WAL of the database at `path` is still there after it. */
export function keepingWal(path: string, close: () => void): void {
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, aside(path));
  try {
    close();
  } finally {
    bringBackWal(path);
  }
}

/** After a power cut in the middle of that: to be called before the database is opened. */
export function bringBackWal(path: string): void {
  if (!existsSync(aside(path))) return;
  if (existsSync(`${path}-wal`)) rmSync(aside(path), { force: true });
  else renameSync(aside(path), `${path}-wal`);
}
