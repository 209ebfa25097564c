// The open SQLite file, on the thread of the store: everything here may wait for the disk.

import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import { loadSqliteBinding } from '../../sea.ts';
import type { OpenedFile, RowChanges } from '../messages.ts';
import { assertNotInUse, openDatabase } from './database.ts';
import { Durability } from './durability.ts';
import { keepingWal } from './kept-wal.ts';
import { RowWriter } from './row-writer.ts';

export interface StoreFileOptions {
  readonly path: string;
  /** Wall clock, ms since the epoch: for file names and records that people read. */
  readonly wallMs: number;
  /** How long to wait for another process to let go of the file, ms. */
  readonly lockWaitMs: number;
}

/** The open file. Every call may wait for the disk. */
export class StoreFile {
  readonly path: string;
  readonly #database: Database.Database;
  readonly #writer: RowWriter;
  readonly #durability: Durability;
  readonly #inode: number;

  private constructor(database: Database.Database, path: string, writer: RowWriter) {
    this.path = path;
    this.#database = database;
    this.#writer = writer;
    this.#durability = new Durability(database, realpathSync(path));
    this.#inode = statSync(path).ino;
  }

  /** @throws StoreInUseError when another process has it; any other error is the disk's */
  static prove({ path, lockWaitMs }: Omit<StoreFileOptions, 'wallMs'>): void {
    assertNotInUse({ path, lockWaitMs, nativeBinding: loadSqliteBinding(dirname(path)) });
  }

  /** @throws StoreInUseError when another process has it; any other error is the disk's */
  static open(options: StoreFileOptions): { readonly file: StoreFile; readonly opened: OpenedFile } {
    const { database, path, content, unusable } = openDatabase(
      { ...options, nativeBinding: loadSqliteBinding(dirname(options.path)) },
      (opened) => {
        const writer = new RowWriter(opened);
        return { writer, rows: writer.read() };
      },
    );
    try {
      return { file: new StoreFile(database, path, content.writer), opened: { path, rows: content.rows, unusable } };
    } catch (error) {
      database.close();
      throw error;
    }
  }

  get bytes(): number | null {
    const size = statSync(this.path, { throwIfNoEntry: false })?.size;
    return size === undefined ? null : size + this.#durability.walBytes;
  }

  /** False: it or the WAL beside it was removed or replaced, and what is written is lost with this process. */
  get isInPlace(): boolean {
    return statSync(this.path, { throwIfNoEntry: false })?.ino === this.#inode && this.#durability.isWalInPlace;
  }

  /** Closes what is no longer at its path; nothing beside it is touched. */
  abandon(): void {
    try {
      this.#database.close();
    } finally {
      this.#durability.close();
    }
  }

  write(changes: RowChanges): void {
    this.#writer.write(changes);
  }

  sync(): void {
    this.#durability.sync();
  }

  /** `sync`: with everything on the disk, in one file. Else the WAL stays beside it, and the kernel writes both in its time. */
  close({ sync }: { readonly sync: boolean }): void {
    try {
      if (sync) this.#durability.checkpoint();
    } finally {
      if (sync) this.#database.close();
      else keepingWal(this.path, () => this.#database.close());
      this.#durability.close();
    }
  }
}
