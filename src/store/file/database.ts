// The SQLite file: opened under a lock of its own, checked, brought to the schema of this binary, or moved aside.
//
// One file a schema version: a newer binary works on a migrated copy, so that the older one, should it come back, finds
// its own file as it left it.

import { accessSync, constants, copyFileSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import Database from 'better-sqlite3';
import { makeFolder } from '../../make-folder.ts';
import type { UnusableFile } from '../messages.ts';
import { APPLICATION_ID, assertRegularBeside, inspectHeader } from './header.ts';
import { bringBackWal, keepingWal } from './kept-wal.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';

export interface OpenOptions {
  /** File of schema version 1; later versions stand beside it (`qedge.v2.db`). */
  readonly path: string;
  /** Addon of better-sqlite3 in the single executable; undefined: it finds its own. */
  readonly nativeBinding: object | undefined;
  /** Wall clock, ms since the epoch: for file names and records that people read. */
  readonly wallMs: number;
  /** How long to wait for another process to let go of the file, ms. */
  readonly lockWaitMs: number;
  /** Another schema, for tests of the schema itself. */
  readonly migrations?: readonly Migration[];
}

/** A first look at the content: what it throws counts against the file. */
export type Examine<T> = (database: Database.Database) => T;

export interface OpenedDatabase<T> {
  readonly database: Database.Database;
  /** What the first look found. */
  readonly content: T;
  /** The file of this binary's schema. */
  readonly path: string;
  /** What was found and is of no use; null when there was no such thing. */
  readonly unusable: UnusableFile | null;
}

/** Another process has the file open. */
export class StoreInUseError extends Error {
  constructor(path: string, cause: unknown) {
    super(`store ${path} is in use by another process`, { cause });
    this.name = 'StoreInUseError';
  }
}

/** Small pages suit small rows: what changes is written in whole pages. */
const PAGE_BYTES = 1024;

/** Kept of unusable files, newest first; each is as small as the store itself. */
const MOVED_ASIDE_MAX = 5;

/**
 * Opens the store's file in any state: what is corrupt or not ours is moved aside and a new one begun.
 *
 * @throws StoreInUseError when another process has it; any other error is the disk's (read-only, full, no rights)
 */
export function openDatabase<T>(options: OpenOptions, examine: Examine<T>): OpenedDatabase<T> {
  const migrations = options.migrations ?? MIGRATIONS;
  const path = fileOfVersion(options.path, migrations.length);
  makeFolder(dirname(path));
  const unmigrated = existsSync(path) ? null : migrateEarlier(options, migrations, path);
  const open = (unusable: UnusableFile | null): OpenedDatabase<T> => {
    const database = openChecked(path, migrations, options);
    return { database, content: examineOrClose(database, examine), path, unusable };
  };
  try {
    return open(unmigrated);
  } catch (error) {
    const reason = unusableReason(path, error);
    return open({ reason, movedTo: moveAside(path, options.wallMs) });
  }
}

/**
 * Looks at the file of this binary's schema, or else at the one that it would begin from, without keeping it.
 *
 * @throws StoreInUseError when another process has it; any other error is the disk's
 */
export function assertNotInUse(options: Omit<OpenOptions, 'wallMs'>): void {
  const own = fileOfVersion(options.path, MIGRATIONS.length);
  const path = existsSync(own) ? own : latestBefore(options.path, MIGRATIONS.length);
  if (path === null || inspectHeader(path, APPLICATION_ID).foreign !== null) return;
  bringBackWal(path);
  try {
    const database = openLocked(path, options);
    keepingWal(path, () => database.close());
  } catch (error) {
    unusableReason(path, error);
  }
}

function examineOrClose<T>(database: Database.Database, examine: Examine<T>): T {
  try {
    return examine(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** `qedge.db`, `qedge.v2.db`, `qedge.v3.db` … */
export function fileOfVersion(path: string, version: number): string {
  if (version <= 1) return path;
  const extension = extname(path);
  return `${path.slice(0, path.length - extension.length)}.v${version}${extension}`;
}

class UnusableFileError extends Error {}

function openChecked(path: string, migrations: readonly Migration[], options: OpenOptions): Database.Database {
  const { foreign } = inspectHeader(path, APPLICATION_ID);
  // SQLite would open what it may not write, and only then stumble; the system's own error says it better.
  accessSync(dirname(path), constants.W_OK);
  if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK);
  if (foreign !== null) throw new UnusableFileError(foreign);
  bringBackWal(path);
  assertRegularBeside(path);
  const database = openLocked(path, options);
  return examineOrClose(database, () => {
    check(database);
    migrate(database, migrations, options.wallMs);
    return database;
  });
}

/**
 * The lock is the kernel's, held until the process ends, however it ends. With it the WAL needs no shared memory.
 * SQLite itself never calls fsync here (it would do so with each write): durability.ts does.
 */
function openLocked(path: string, { nativeBinding, lockWaitMs }: Omit<OpenOptions, 'wallMs'>): Database.Database {
  const database = new Database(path, {
    timeout: lockWaitMs,
    ...(nativeBinding === undefined ? {} : { nativeBinding: nativeBinding as unknown as string }),
  });
  try {
    database.pragma('locking_mode = EXCLUSIVE');
    database.pragma('synchronous = OFF');
    database.pragma(`page_size = ${PAGE_BYTES}`);
    database.pragma('journal_mode = WAL');
    database.pragma('wal_autocheckpoint = 0');
    database.exec('BEGIN EXCLUSIVE; COMMIT');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function check(database: Database.Database): void {
  const result = database.pragma('quick_check(1)', { simple: true });
  if (result !== 'ok') throw new UnusableFileError(`damaged: ${String(result)}`);
}

function migrate(database: Database.Database, migrations: readonly Migration[], wallMs: number): void {
  const version = database.pragma('user_version', { simple: true }) as number;
  if (version > migrations.length)
    throw new UnusableFileError(`of schema version ${version}, newer than ${migrations.length}`);
  if (version === migrations.length) return;
  const steps = database.transaction(() => {
    database.pragma(`application_id = ${APPLICATION_ID}`);
    for (const [i, step] of migrations.entries()) {
      if (i < version) continue;
      step(database);
      database.prepare('INSERT INTO migration (version, applied_wall_ms) VALUES (?, ?)').run(i + 1, wallMs);
    }
    database.pragma(`user_version = ${migrations.length}`);
  });
  steps.exclusive();
  database.pragma('wal_checkpoint(TRUNCATE)');
}

/** Begins this version's file from the latest earlier one, if there is any and it is of use. */
function migrateEarlier(options: OpenOptions, migrations: readonly Migration[], path: string): UnusableFile | null {
  const earlier = latestBefore(options.path, migrations.length);
  if (earlier === null) return null;
  const draft = `${path}.draft`;
  removeDatabase(draft);
  try {
    copyDatabase(earlier, draft, options);
    openChecked(draft, migrations, options).close();
    // It appears under its name when it is complete.
    renameSync(draft, path);
    return null;
  } catch (error) {
    removeDatabase(draft);
    return { reason: unusableReason(earlier, error), movedTo: null };
  }
}

/** What uses the earlier file is another qedge: the lock says so, and folds the WAL into the file on its way. */
function copyDatabase(from: string, to: string, options: OpenOptions): void {
  const source = openLocked(from, options);
  try {
    source.pragma('wal_checkpoint(TRUNCATE)');
    copyFileSync(from, to);
  } finally {
    source.close();
  }
}

function latestBefore(path: string, version: number): string | null {
  for (let v = version - 1; v >= 1; v--) {
    const file = fileOfVersion(path, v);
    if (existsSync(file) && inspectHeader(file, APPLICATION_ID).foreign === null) return file;
  }
  return null;
}

/** Why the content of the file is of no use. Throws when the error is about something else: its user, the disk. */
function unusableReason(path: string, error: unknown): string {
  if (error instanceof UnusableFileError) return error.message;
  // A generic error at the start means that tables are missing or of another shape.
  if (isCorruption(error) || sqliteCode(error) === 'SQLITE_ERROR') return (error as Error).message;
  throw sqliteCode(error).startsWith('SQLITE_BUSY') ? new StoreInUseError(path, error) : error;
}

/** True for the errors by which SQLite says that the content of the file is broken. */
export function isCorruption(error: unknown): boolean {
  const code = sqliteCode(error);
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';
}

/** The code of an error, such as SQLITE_FULL; empty where it has none. */
export function sqliteCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Renames the file and what belongs to it; returns the new name. */
export function moveAside(path: string, wallMs: number): string {
  const stamp = new Date(wallMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  let to = `${path}.corrupt-${stamp}`;
  for (let i = 2; existsSync(to); i++) to = `${path}.corrupt-${stamp}-${i}`;
  renameSync(path, to);
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${to}-wal`);
  rmSync(`${path}-shm`, { force: true });
  forgetOldest(path, basename(to));
  return to;
}

/** Deletes the oldest by the time in their names, never `newest`: the clock may not have been set for that one. */
function forgetOldest(path: string, newest: string): void {
  const prefix = `${basename(path)}.corrupt-`;
  const isOlder = (name: string): boolean => name.startsWith(prefix) && !name.endsWith('-wal') && name !== newest;
  const older = readdirSync(dirname(path)).filter(isOlder).sort();
  for (const name of older.slice(0, 1 - MOVED_ASIDE_MAX)) removeDatabase(join(dirname(path), name));
}

function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true });
}
