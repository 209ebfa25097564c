// A close that waits for no disk. SQLite folds the WAL into the file and removes it as it closes, and without fsync a power
// cut in the half minute after that could leave half of the pages. So the WAL is out of the way meanwhile, and stays: the
// next start reads it again, also when the file is damaged.

import { existsSync, realpathSync, renameSync, rmSync } from 'node:fs';

/** Runs `close` so that the WAL of the database at `path` is still there after it. */
export function keepingWal(path: string, close: () => void): void {
  const { wal, aside } = namesOf(path);
  if (existsSync(wal)) renameSync(wal, aside);
  try {
    close();
  } finally {
    bringBackWal(path);
  }
}

/** Brings back the WAL after a power cut in the middle of that; to be called before the database is opened. */
export function bringBackWal(path: string): void {
  const { wal, aside } = namesOf(path);
  if (!existsSync(aside)) return;
  if (existsSync(wal)) rmSync(aside, { force: true });
  else renameSync(aside, wal);
}

/** SQLite has the WAL beside the file itself, where `path` is a link to it. */
function namesOf(path: string): { readonly wal: string; readonly aside: string } {
  const wal = `${existsSync(path) ? realpathSync(path) : path}-wal`;
  return { wal, aside: `${wal}.kept` };
}
